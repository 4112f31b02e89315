import * as Fields from '../upstream/Fields.ts'
import { fromStream, type Source, toStream } from '../upstream/Source.ts'

/** An answer on its way out. It is written to a socket as it is, or made a `Response` for who embeds us. */
export type Outgoing = {
  status: number
  /** Names in lower case; none is repeated but `set-cookie`. */
  headers: Fields.Fields
  body: Uint8Array | Source | null
}

/** As a web `Response`. */
export function toResponse({ status, headers, body }: Outgoing): Response {
  const init = { status, headers: Fields.toHeaders(headers) }
  if (body === null) return new Response(null, init)
  return new Response(body instanceof Uint8Array ? new Uint8Array(body) : toStream(body), init)
}

/** What a handler or an endpoint answered. */
export function fromResponse({ status, headers, body }: Response): Outgoing {
  return { status, headers: Fields.from(headers), body: body === null ? null : fromStream(body) }
}

/** A JSON document. */
export function json(status: number, value: unknown, headers: Fields.Fields): Outgoing {
  const body = Buffer.from(JSON.stringify(value))
  return { status, headers: [...headers, 'content-length', String(body.byteLength)], body }
}
