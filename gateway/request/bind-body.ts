import { hash } from 'node:crypto'
import * as Fields from '../upstream/Fields.ts'
import { readUpTo } from '../upstream/read-up-to.ts'
import type { Source } from '../upstream/Source.ts'
import { CallerGoneError } from '../upstream/upstream-error.ts'
import type { Incoming } from './Incoming.ts'

/** A request's body: whole and with its digest when it is small enough to be bound to a payment, else as it comes. */
export type BoundBody = {
  content: Uint8Array | Source | null
  /** RFC 9530 `sha-256=:…:`; null when there is no body, or one too large to bind. */
  digest: string | null
}

/** Longest body that is read before a free call is forwarded: it comes in one piece mostly, and costs less as bytes. */
const shortBody = 16_384

/** Reads a body up to `limit` bytes. A longer one is left as it comes, what was read of it in front. */
export async function bindBody(
  { body, fields }: Pick<Incoming, 'body' | 'fields'>,
  limit: number,
): Promise<BoundBody> {
  if (body === null) return { content: null, digest: null }
  const length = Number(Fields.get(fields, 'content-length') ?? 0)
  if (length > limit) return { content: body, digest: null }
  const content = await readBody(body, limit)
  if (!(content instanceof Uint8Array)) return { content, digest: null }
  if (content.byteLength === 0) return { content: null, digest: null }
  return { content, digest: `sha-256=:${hash('sha256', content, 'base64')}:` }
}

/** The body of a free call, which is bound to nothing: read where it says that it is short, else left as it comes. */
export async function freeBody({ body, fields }: Pick<Incoming, 'body' | 'fields'>): Promise<BoundBody> {
  if (body === null) return { content: null, digest: null }
  const length = Fields.get(fields, 'content-length')
  const isShort = length !== null && Number(length) <= shortBody
  return { content: isShort ? await readBody(body, shortBody) : body, digest: null }
}

function readBody(body: Source, limit: number): Promise<Uint8Array | Source> {
  return readUpTo(body, limit).catch((cause: unknown) => {
    throw new CallerGoneError({ cause })
  })
}
