import { Readable } from 'node:stream'
import { GatewayError } from '../errors.ts'
import { CallerGoneError } from './upstream-error.ts'

/**
 * A caller's body on its way up: read no faster than the upstream takes it, and refused at the first byte over the
 * limit. `stop` gives the caller's stream back when nobody will read the rest.
 */
export function requestBody(body: ReadableStream<Uint8Array>, maxBytes: number): requestBody.Result {
  const reader = body.getReader()
  let stopped = false

  async function* chunks(): AsyncGenerator<Uint8Array> {
    let bytes = 0
    while (!stopped) {
      const { done, value } = await reader.read().catch((cause: unknown) => {
        throw cause instanceof GatewayError ? cause : new CallerGoneError({ cause })
      })
      if (stopped) break
      if (done) return
      bytes += value.byteLength
      if (bytes > maxBytes) throw new RequestTooLargeError({ limit: maxBytes })
      yield value
    }
    throw new CallerGoneError()
  }

  const stream = Readable.from(chunks(), { objectMode: false })
  // The dispatcher listens only while it writes; an error after that has nobody left to tell.
  stream.on('error', () => {})
  return {
    stream,
    stop() {
      if (stopped) return
      stopped = true
      reader.cancel().catch(() => {})
      stream.destroy()
    },
  }
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
