import type { HandlerCall } from '../routes/Route.ts'

/** A request as it came in. */
export type Incoming = {
  request: Request
  /** Target as it stood on the request line. A `URL` has already repaired it, so it cannot be had from there. */
  target: string
  /** Answers calls of routes without an upstream: the app that embeds us. */
  serve?: (call: HandlerCall) => Promise<Response>
}
