import type { HandlerCall } from '../routes/Route.ts'
import type { Gone } from '../upstream/Gone.ts'
import type { Source } from '../upstream/Source.ts'

/**
 * A request as it came in: as much of it as a call needs, and nothing made before it is asked for. A server's message and
 * a web `Request` both back it, so that there is one pipeline.
 */
export type Incoming = {
  readonly method: string
  /** Target as it stood on the request line. A `URL` has already repaired it, so it cannot be had from there. */
  readonly target: string
  /** Header fields, names and values in turn, as they came. */
  readonly fields: readonly string[]
  /** Null when there is none. It can be read once. */
  readonly body: Source | null
  readonly gone: Gone
  /** The whole address, for a handler that wants a `Request`. */
  readonly url: string
  /** Answers calls of routes without an upstream: the app that embeds us. */
  readonly serve?: (call: HandlerCall) => Promise<Response>
}
