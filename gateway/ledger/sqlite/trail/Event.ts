import { hash } from 'node:crypto'
import type { Trail } from '../../Trail.ts'

/** One line of the trail, as it stands in the books. `body` is canonical JSON (RFC 8785). */
export type Event = {
  seq: number
  at: number
  kind: string
  subject: string
  body: string
  prev_hash: string
  hash: string
}

/** What the first event follows. */
export const genesis = '0'.repeat(64)

/**
 * SHA-256 over the hash before it (64 hex digits) and the canonical JSON of the event. Anybody can make it again:
 * `printf '%s%s' PREV '{"at":…,"body":{…},"kind":"…","seq":…,"subject":"…"}' | sha256sum`.
 */
export function hashOf(event: Omit<Event, 'hash'>): string {
  const { at, body, kind, seq, subject } = event
  // The members in the order of RFC 8785. The body is canonical already.
  const text = `{"at":${at},"body":${body},"kind":${JSON.stringify(kind)},"seq":${seq},"subject":${JSON.stringify(subject)}}`
  return hash('sha256', event.prev_hash + text, 'hex')
}

/** `seq:hash`, as an operator writes an anchor down. @throws {RangeError} */
export function parseAnchor(text: string): Trail.Anchor {
  const match = /^([1-9]\d{0,15}):([0-9a-f]{64})$/.exec(text)
  if (match === null)
    throw new RangeError(
      `"${text}" is not an anchor. Fix: give SEQ:HASH as an earlier audit printed it, such as 120:9f86….`,
    )
  return { seq: Number(match[1]), hash: String(match[2]) }
}
