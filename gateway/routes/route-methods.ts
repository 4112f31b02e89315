import type { RouteTable } from './RouteTable.ts'

/** Methods by which a canonical path is sold; none when it is closed. */
export function routeMethods<R>(routes: RouteTable<R>, path: string): string[] {
  // No route is ever sold by this method, so the table answers with those that are.
  const found = routes.match('OPTIONS', path)
  return found.outcome === 'method-not-allowed' ? found.allow : []
}
