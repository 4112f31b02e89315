import { Readable } from 'node:stream'
import { GatewayError } from '../errors.ts'
import type { Source } from './Source.ts'
import { CallerGoneError } from './upstream-error.ts'

/**
 * A caller's body on its way up: read no faster than the upstream takes it, and refused at the first byte over the
 * limit. `stop` gives the caller's body back when nobody will read the rest.
 */
export function requestBody(body: Source, maxBytes: number): requestBody.Result {
  let bytes = 0
  let opened = false
  let full = false
  let over = false
  const sink = {
    write(chunk: Uint8Array): boolean {
      bytes += chunk.byteLength
      if (bytes > maxBytes) stop(new RequestTooLargeError({ limit: maxBytes }))
      else full = !stream.push(chunk)
      return !full && !over
    },
    end(): void {
      over = true
      stream.push(null)
    },
    fail(cause: unknown): void {
      over = true
      stream.destroy(cause instanceof GatewayError ? cause : new CallerGoneError({ cause }))
    },
  }
  const stream = new Readable({
    read() {
      if (!opened) {
        opened = true
        body.open(sink)
      } else if (full && !over) {
        full = false
        body.resume()
      }
    },
  })
  const stop = (error?: Error) => {
    if (!over) {
      over = true
      body.cancel()
    }
    stream.destroy(error)
  }
  // The dispatcher listens only while it writes; an error after that has nobody left to tell.
  stream.on('error', () => {})
  return { stream, stop: () => stop() }
}

export declare namespace requestBody {
  type Result = { stream: Readable; stop(): void }
}

/** The request body is larger than the route takes. */
export class RequestTooLargeError extends GatewayError {
  constructor(options: { limit: number }) {
    super({
      message: `The request body is larger than the ${options.limit} bytes this route takes.`,
      status: 413,
      code: 'request-too-large',
      details: { limit: options.limit },
    })
  }
}
