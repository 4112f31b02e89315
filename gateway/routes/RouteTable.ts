import { PathTree } from './path-tree.ts'
import { idOf, parse, RouteInvalidError } from './RoutePattern.ts'

/** What is sold, and nothing else: a call that matches no route is closed. */
export type RouteTable<R> = {
  readonly routes: readonly R[]
  /**
   * The route of a call. `path` is canonical, without its query. A word beats a parameter, a parameter beats `*`.
   * HEAD finds the GET route, and so its price. Parameters are returned as they stand in the path, still encoded.
   */
  match(method: string, path: string): RouteTable.Match<R>
  /** True when a lenient server could take the path for one of a route: another case, a last slash, `;` parameters. */
  resembles(path: string): boolean
}

/** Builds the table. Refuses two routes that would match the same calls. */
export function create<R extends RouteTable.Definition>(routes: readonly R[]): RouteTable<R> {
  const methods = new Map<string, Method<R>>()
  for (const route of routes) {
    const segments = parse(route)
    let method = methods.get(route.method)
    if (method === undefined) {
      method = { words: new Map(), exact: new PathTree(), folded: new PathTree() }
      methods.set(route.method, method)
    }
    const twin = method.exact.add(segments, route)
    if (twin !== undefined) throw new RouteTwiceError(idOf(twin), idOf(route))
    if (segments.every((segment) => segment.kind === 'static')) method.words.set(route.path, route)
    method.folded.add(
      segments.map((segment) =>
        segment.kind === 'static' ? { ...segment, text: foldSegment(segment.text) } : segment,
      ),
      route,
    )
  }

  function find(method: string, path: string): RouteTable.Found<R> | undefined {
    const table = methods.get(method === 'HEAD' ? 'GET' : method)
    if (table === undefined) return undefined
    const word = table.words.get(path)
    if (word !== undefined) return { outcome: 'matched', route: word, params: noParams }
    const found = table.exact.find(path)
    if (found === undefined) return undefined
    // Another spelling of a more exact route must not be had at this one's price: an upstream that ignores case,
    // a last slash or path parameters would serve the dear call for the cheap one.
    const folded = table.folded.find(foldPath(path))
    if (folded !== undefined && !folded.values.includes(found.value)) return undefined
    return { outcome: 'matched', route: found.value, params: found.params }
  }

  return {
    routes,
    resembles: (path) =>
      [...methods.values()].some(({ folded }) => folded.find(foldPath(path)) !== undefined),
    match(method, path) {
      const found = find(method, path)
      if (found !== undefined) return found
      const allow = [...methods.keys()].filter((other) => find(other, path) !== undefined)
      if (allow.length === 0) return { outcome: 'closed' }
      if (allow.includes('GET')) allow.push('HEAD')
      return { outcome: 'method-not-allowed', allow: allow.sort() }
    },
  }
}

export declare namespace RouteTable {
  type Definition = { readonly method: string; readonly path: string }
  type Found<R> = { outcome: 'matched'; route: R; params: Readonly<Record<string, string>> }
  type Match<R> = Found<R> | { outcome: 'method-not-allowed'; allow: string[] } | { outcome: 'closed' }
}

type Method<R> = {
  /** Routes without a parameter, found in one step however many there are. */
  words: Map<string, R>
  exact: PathTree<R>
  /** The same routes as a lenient server would tell them apart. */
  folded: PathTree<R>
}

const noParams: Readonly<Record<string, string>> = Object.freeze(Object.create(null))

function foldPath(path: string): string {
  const segments = path.split('/').map(foldSegment)
  return `/${segments.filter((segment) => segment !== '').join('/')}`
}

/** Decoded, without case, and without what some servers cut off: path parameters, an encoded query or fragment. */
function foldSegment(segment: string): string {
  const bare = decodeURIComponent(segment).replace(/[;?#].*$/s, '')
  return bare.trim().toLowerCase()
}

/** Two routes of the configuration match the same calls, so that the price would depend on their order. */
export class RouteTwiceError extends RouteInvalidError {
  constructor(first: string, second: string) {
    super(second, `it matches the same calls as "${first}"`)
  }
}
