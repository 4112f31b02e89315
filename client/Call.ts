import { PaymentRefusedError } from './errors.ts'
import { readBounded } from './read-bounded.ts'

/** One call of the caller, held so that it can be sent more than once with the same bytes. */
export type Call = {
  url: URL
  method: string
  headers: Headers
  body: Uint8Array<ArrayBuffer> | undefined
  signal: AbortSignal | undefined
  redirect: RequestRedirect
  /** The caller's own `Idempotency-Key`, or one made for this call. */
  idempotencyKey: string
  /** What else the caller gave to fetch. */
  rest: RequestInit
}

/**
 * Reads fetch's arguments. A body that can be read only once is buffered.
 * @throws {PaymentRefusedError} `body-too-large`: a stream of more than `maxBodyBytes`. Nothing was sent.
 */
export async function from(
  input: RequestInfo | URL,
  init: RequestInit | undefined,
  maxBodyBytes: number,
): Promise<Call> {
  const { method, headers, body, signal, redirect, ...rest } = init ?? {}
  const streaming = body instanceof ReadableStream || isAsyncIterable(body)
  const request = new Request(input, {
    ...(method === undefined ? {} : { method }),
    ...(headers === undefined ? {} : { headers }),
    ...(redirect === undefined ? {} : { redirect }),
    ...(body === undefined || body === null ? {} : { body, duplex: 'half' }),
  } as RequestInit)
  const bounded = streaming || body === undefined || body === null
  return {
    url: new URL(request.url),
    method: request.method,
    headers: new Headers(request.headers),
    body: await read(request, bounded ? maxBodyBytes : Number.POSITIVE_INFINITY),
    signal: signal ?? (input instanceof Request ? input.signal : undefined),
    redirect: request.redirect,
    idempotencyKey: request.headers.get('Idempotency-Key') ?? crypto.randomUUID(),
    rest,
  }
}

/** fetch's init of this call with these headers on top. */
export function init(call: Call, headers: Record<string, string>, redirect: RequestRedirect): RequestInit {
  const all = new Headers(call.headers)
  for (const [name, value] of Object.entries(headers)) all.set(name, value)
  return {
    ...call.rest,
    method: call.method,
    headers: all,
    redirect,
    ...(call.body === undefined ? {} : { body: call.body }),
    ...(call.signal === undefined ? {} : { signal: call.signal }),
  }
}

async function read(request: Request, max: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (request.body === null) return undefined
  const bytes = await readBounded(request.body, max)
  if (bytes === undefined)
    throw new PaymentRefusedError({
      code: 'body-too-large',
      rule: 'maxBodyBytes',
      message: `The request body is a stream of more than ${max} bytes; it must be sent twice and cannot be kept.`,
      fix: 'raise maxBodyBytes, or pass the body as a string, a Blob or bytes.',
    })
  return bytes
}

function isAsyncIterable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}
