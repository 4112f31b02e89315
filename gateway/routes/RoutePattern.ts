import { GatewayError } from '../errors.ts'
import { canonicalPath } from './canonical-path.ts'

/** One segment of a route's path: a word, `:name` for any one segment, or a last `*` for all that follows. */
export type Segment =
  | { kind: 'static'; text: string }
  | { kind: 'param'; name: string }
  | { kind: 'wildcard' }

/** Reads `GET /v1/things/:id` or `POST /v1/*`. Refuses what could never match, or would match by accident. */
export function parse(definition: { method: string; path: string }): Segment[] {
  const id = idOf(definition)
  if (!/^[A-Z][A-Z-]*$/.test(definition.method))
    throw new RouteInvalidError(id, 'a method is written in capitals, such as GET')
  if (definition.method === 'HEAD')
    throw new RouteInvalidError(id, 'HEAD is answered by the GET route of the same path, at its price')
  if (definition.method === 'CONNECT' || definition.method === 'TRACE')
    throw new RouteInvalidError(id, `${definition.method} cannot be sold`)
  if (!definition.path.startsWith('/')) throw new RouteInvalidError(id, 'a path starts with "/"')

  const names = new Set<string>()
  const texts = definition.path.slice(1).split('/')
  const segments = texts.map((text, index): Segment => {
    if (text === '*') {
      if (index !== texts.length - 1) throw new RouteInvalidError(id, '"*" stands only at the end')
      return { kind: 'wildcard' }
    }
    if (!text.startsWith(':')) {
      if (text.includes('*')) throw new RouteInvalidError(id, '"*" is a whole segment')
      return { kind: 'static', text }
    }
    const name = text.slice(1)
    if (!/^[a-zA-Z][a-zA-Z0-9_]*$/.test(name))
      throw new RouteInvalidError(id, `"${text}" is no parameter name`)
    if (names.has(name)) throw new RouteInvalidError(id, `the parameter "${text}" is named twice`)
    names.add(name)
    return { kind: 'param', name }
  })
  checkCanonical(id, segments)
  return segments
}

/** How a route is named everywhere: `GET /v1/things/:id`. */
export function idOf(definition: { method: string; path: string }): string {
  return `${definition.method} ${definition.path}`
}

/** A path that no request can have, because requests are matched in canonical form, is a mistake. */
function checkCanonical(id: string, segments: readonly Segment[]): void {
  const path = `/${segments.map((segment) => (segment.kind === 'static' ? segment.text : 'x')).join('/')}`
  let canonical: canonicalPath.Result
  try {
    canonical = canonicalPath(path)
  } catch (error) {
    throw new RouteInvalidError(id, error instanceof GatewayError ? error.message : 'not a path')
  }
  if (canonical.query !== '')
    throw new RouteInvalidError(id, 'a route has no query: "?" cannot be in its path')
  if (canonical.path !== path) throw new RouteInvalidError(id, `write it as it is matched: ${canonical.path}`)
}

/** A route in the configuration that cannot be sold as it is written. Found at start. */
export class RouteInvalidError extends GatewayError {
  constructor(id: string, reason: string) {
    super({
      message: `Route "${id}" is not valid: ${reason}. Fix: correct it in the configuration.`,
      status: 500,
      code: 'route-invalid',
      details: { route: id },
    })
  }
}
