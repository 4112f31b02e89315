import { hash } from 'node:crypto'
import * as Fields from '../upstream/Fields.ts'
import { CallerGoneError } from '../upstream/upstream-error.ts'
import type { Incoming } from './Incoming.ts'

/** A request's body: whole and with its digest when it is small enough to be bound to a payment, else a stream. */
export type BoundBody = {
  content: Uint8Array | ReadableStream<Uint8Array> | null
  /** RFC 9530 `sha-256=:…:`; null when there is no body, or one too large to bind. */
  digest: string | null
}

/** Reads a body up to `limit` bytes. A longer one stays a stream, what was read of it in front. */
export async function bindBody(
  incoming: Pick<Incoming, 'body' | 'fields'>,
  limit: number,
): Promise<BoundBody> {
  const { body } = incoming
  if (body === null) return { content: null, digest: null }
  const length = Number(Fields.get(incoming.fields, 'content-length') ?? 0)
  if (length > limit) return { content: body, digest: null }
  const chunks: Uint8Array[] = []
  let size = 0
  const reader = body.getReader()
  for (;;) {
    const { done, value } = await reader.read().catch((cause: unknown) => {
      throw new CallerGoneError({ cause })
    })
    if (done) break
    chunks.push(value)
    size += value.byteLength
    if (size > limit) return { content: resumed(chunks, reader), digest: null }
  }
  if (size === 0) return { content: null, digest: null }
  const content = Buffer.concat(chunks)
  return { content, digest: `sha-256=:${hash('sha256', content, 'base64')}:` }
}

function resumed(
  head: Uint8Array[],
  reader: ReadableStreamDefaultReader<Uint8Array>,
): ReadableStream<Uint8Array> {
  const waiting = [...head]
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = waiting.shift()
      if (next !== undefined) return controller.enqueue(next)
      const { done, value } = await reader.read()
      if (done) controller.close()
      else controller.enqueue(value)
    },
    cancel: (reason) => reader.cancel(reason),
  })
}
