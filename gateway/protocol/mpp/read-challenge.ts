import { maxHeaderLength } from '../Encoding.ts'
import type { Challenge } from './Challenge.ts'

/**
 * What `Challenge.schema` makes of a value that has its shape, at a small part of its cost; null for every other one, which the
 * schema says what is wrong with.
 */
export function readChallenge(value: unknown): Challenge | null {
  if (typeof value !== 'object' || value === null) return null
  const { id, realm, method, intent, request, expires, digest, description, opaque } = value as Echo
  if (!isText(id) || id === '' || !isText(realm) || !isText(method) || !isText(intent)) return null
  if (!isText(request) || !mayBeText(expires) || !mayBeText(digest)) return null
  if (!mayBeText(description) || !mayBeText(opaque)) return null
  return { id, realm, method, intent, request, expires, digest, description, opaque }
}

type Echo = Readonly<Record<keyof Challenge, unknown>>
const isText = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= maxHeaderLength
const mayBeText = (value: unknown): value is string | undefined => value === undefined || isText(value)
