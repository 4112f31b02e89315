import type { Deps } from '../deps.ts'
import { GatewayError } from '../errors.ts'
import { canonicalPath } from '../routes/canonical-path.ts'
import type { Route } from '../routes/Route.ts'
import type { Incoming } from './Incoming.ts'

/** A request whose one canonical path is that of a route. */
export type Matched = {
  incoming: Incoming
  route: Route
  /** Used to match and to forward. */
  path: string
  query: string
  method: string
}

/**
 * Finds the route. Whatever is not listed is closed.
 * @throws {GatewayError} 400 path not canonical, 404 no such route, 405 other methods only.
 */
export function match(incoming: Incoming, { routes }: Pick<Deps, 'routes'>): Matched {
  const { path, query } = canonicalPath(incoming.target)
  const { method } = incoming
  const found = routes.match(method, path)
  if (found.outcome === 'closed') throw new RouteClosedError()
  if (found.outcome === 'method-not-allowed') throw new MethodNotAllowedError(method, found.allow)
  return { incoming, route: found.route, path, query, method }
}

/** No route matches. The answer is the same for every path that is not sold. */
export class RouteClosedError extends GatewayError {
  constructor() {
    super({
      status: 404,
      code: 'no-such-route',
      message: 'Nothing is sold here. GET /farthing lists what is.',
    })
  }
}

/** The path is sold, but not by this method. */
export class MethodNotAllowedError extends GatewayError {
  readonly allow: readonly string[]
  constructor(method: string, allow: readonly string[]) {
    super({
      status: 405,
      code: 'method-not-allowed',
      message: `${method} is not sold here; ${allow.join(', ')} is.`,
      details: { allow },
    })
    this.allow = allow
  }
}
