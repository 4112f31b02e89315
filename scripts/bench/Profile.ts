import { readFileSync } from 'node:fs'
import { relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where a server's time went: shares of the time that it was busy, largest first. */
export type Profile = {
  /** Functions by the time spent in themselves. */
  functions: Share[]
  /** Our own functions by the time spent in them and in what they call. */
  inclusive: Share[]
  /** Folders of the gateway, packages, and the runtime, by time spent in themselves. */
  folders: Share[]
}

export type Share = { name: string; share: number }

type Node = {
  id: number
  callFrame: { functionName: string; url: string; lineNumber: number }
  children?: number[]
}
type Recorded = { nodes: Node[]; samples: number[]; timeDeltas: number[] }

/** Reads a profile that V8 recorded. */
export function read(file: string): Profile {
  return summarise(JSON.parse(readFileSync(file, 'utf8')) as Recorded)
}

/** Sums a recorded profile up. What the probe itself costs is left out. Pure. */
export function summarise({ nodes, samples, timeDeltas }: Recorded): Profile {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const own = new Map<number, number>()
  samples.forEach((id, index) => {
    own.set(id, (own.get(id) ?? 0) + (timeDeltas[index] ?? 0))
  })
  const functions = new Map<string, number>()
  const inclusive = new Map<string, number>()
  const folders = new Map<string, number>()
  const add = (to: Map<string, number>, name: string, time: number) =>
    to.set(name, (to.get(name) ?? 0) + time)

  // A function counts once however often it stands on the stack.
  const walk = (node: Node, parent: Node, above: ReadonlySet<string>): number => {
    if (node.callFrame.functionName === '(idle)' || pathOf(node) === 'scripts/bench/probe.ts') return 0
    const self = own.get(node.id) ?? 0
    const name = isNative(node) ? `native code of ${nameOf(parent)}` : nameOf(node)
    const on = above.has(name) ? above : new Set(above).add(name)
    const below = (node.children ?? []).flatMap((id) => byId.get(id) ?? [])
    const whole = below.reduce((sum, child) => sum + walk(child, node, on), self)
    add(functions, name, self)
    add(folders, isNative(node) ? `native code of ${folderOf(parent)}` : folderOf(node), self)
    if (!above.has(name) && isOurs(node)) add(inclusive, name, whole)
    return whole
  }
  const [root] = nodes
  const busy = root === undefined ? 0 : walk(root, root, new Set())
  return {
    functions: largest(functions, busy, 30),
    inclusive: largest(inclusive, busy, 40),
    folders: largest(folders, busy, 20),
  }
}

function largest(of: ReadonlyMap<string, number>, busy: number, count: number): Share[] {
  return [...of]
    .map(([name, time]) => ({ name, share: busy === 0 ? 0 : time / busy }))
    .toSorted((a, b) => b.share - a.share)
    .filter(({ share }) => share >= 0.002)
    .slice(0, count)
}

function nameOf(node: Node): string {
  const { functionName, lineNumber } = node.callFrame
  const path = pathOf(node)
  const name = functionName === '' ? '(anonymous)' : functionName
  return path === '' ? name : `${name}  ${path.replace(/^.*node_modules\//, '')}:${lineNumber + 1}`
}

function pathOf({ callFrame: { url } }: Node): string {
  if (!url.startsWith('file:')) return url
  return relative(process.cwd(), fileURLToPath(url)).split(sep).join('/')
}

/** A function of an addon has neither a name nor a file. */
const isNative = ({ callFrame }: Node) => callFrame.functionName === '' && callFrame.url === ''

const isOurs = (node: Node) => /^(?:gateway|scripts)\//.test(pathOf(node))

function folderOf(node: Node): string {
  const path = pathOf(node)
  if (path === '') return node.callFrame.functionName.replace(/^[^(].*/, 'built-in functions')
  if (path.startsWith('node:')) return 'node'
  const parts = path.replace(/^.*node_modules\//, 'node_modules/').split('/')
  if (parts[0] === 'node_modules') return parts.slice(1, parts[1]?.startsWith('@') === true ? 3 : 2).join('/')
  return parts.slice(0, -1).slice(0, 3).join('/')
}

/** For a reader. */
export function describe(name: string, { functions, inclusive, folders }: Profile): string {
  const list = (title: string, shares: readonly Share[]) => [
    `  ${title}`,
    ...shares.map(({ name: of, share }) => `    ${(share * 100).toFixed(1).padStart(5)} %  ${of}`),
  ]
  return [
    `${name}: where the time goes`,
    ...list('by folder and package', folders),
    ...list('functions, time in themselves', functions),
    ...list('our functions, with what they call', inclusive),
  ].join('\n')
}
