import { posix } from 'node:path'
import { folders, inner, longest, packageOwners, roots, wordOwners } from './import-table.ts'
import { type Import, importsOf } from './imports.ts'
import { blank, lineAt } from './source.ts'

/** One place where a file breaks a house rule. */
export type Finding = { file: string; line: number; rule: string; fix: string }

/** Checks one file, named by its path from the root, against the import table and the single owners. */
export function checkFile(file: string, text: string): Finding[] {
  const findings: Finding[] = []
  for (const one of importsOf(text)) {
    if (!one.specifier.startsWith('.')) findings.push(...checkPackage(file, one))
    else if (!/\.(?:ts|json)$/.test(one.specifier))
      findings.push({
        file,
        line: one.line,
        rule: `"${one.specifier}" is a relative import without its extension`,
        fix: 'write the file as it is called, with .ts',
      })
    else findings.push(...checkImport(file, one))
  }
  const { words } = blank(text)
  for (const { word, name, owners, fix } of wordOwners) {
    if (isIn(file, owners)) continue
    for (const match of words.matchAll(word))
      findings.push({
        file,
        line: lineAt(text, match.index),
        rule: `${name} belongs to ${list(owners)}`,
        fix,
      })
  }
  const lines = text.replace(/\n$/, '').split('\n').length
  if (isIn(file, longest.folders) && lines > longest.lines)
    findings.push({
      file,
      line: longest.lines + 1,
      rule: `${lines} lines; a file has at most ${longest.lines}`,
      fix: 'give each idea its own file',
    })
  return findings.sort((a, b) => a.line - b.line)
}

function checkPackage(file: string, { specifier, line }: Import): Finding[] {
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
  const owners = Object.hasOwn(packageOwners, name) ? packageOwners[name] : undefined
  if (owners === undefined || isIn(file, owners)) return []
  return [
    { file, line, rule: `the package "${name}" belongs to ${list(owners)}`, fix: 'go through its owner' },
  ]
}

function checkImport(file: string, { specifier, line, typeOnly }: Import): Finding[] {
  const target = posix.join(posix.dirname(file), specifier)
  const from = folderOf(file)
  const to = folderOf(target)
  const refuse = (rule: string, fix: string): Finding[] => [{ file, line, rule, fix }]

  if (isIn(file, roots)) return []
  if (from !== to) {
    const folder = folders[from]
    if (folder === undefined)
      return refuse(`${from} stands in no row of the import table`, 'add it to scripts/check/import-table.ts')
    const allowed = folder.may.includes(to) || (typeOnly && folder.types?.includes(to))
    if (!allowed && folder.types?.includes(to))
      return refuse(`${from} may import only types from ${to}: ${folder.why}`, 'write "import type"')
    if (!allowed)
      return refuse(
        `${from} may not import ${to}: ${folder.why}`,
        `it may import ${list([...folder.may, ...(folder.types ?? []).map((name) => `types of ${name}`)])}`,
      )
  }
  const owner = inner.find((part) => isIn(target, [part]))
  if (owner !== undefined && !typeOnly && !isIn(file, [posix.dirname(owner)]))
    return refuse(
      `${owner} is known only to ${posix.dirname(owner)} and to who puts the parts together`,
      'use the interface',
    )
  return []
}

/** The row of the table a file belongs to: `gateway/rails`, `gateway/errors.ts`, `client`. */
function folderOf(file: string): string {
  const [top = '', second] = file.split('/')
  return top === 'gateway' && second !== undefined ? `${top}/${second}` : top
}

/** Whether a file is one of these, or in one of these folders; `*` stands for part of a name. */
function isIn(file: string, places: readonly string[]): boolean {
  return places.some((place) => {
    if (place.includes('*')) return posix.matchesGlob(file, place)
    return file === place || file.startsWith(`${place}/`)
  })
}

function list(names: readonly string[]): string {
  const own = names.filter((name) => !['scripts', 'test', 'examples', 'hardhat.config.ts'].includes(name))
  return own.length === 0 ? 'nothing of ours' : own.join(', ')
}
