import canonicalize from 'canonicalize'

/** Bytes on the wire: base64 and base64url JSON, and JSON in canonical form (RFC 8785, JCS). */

/** Most characters of a header value that we decode. Credentials of either dialect stay well under 4 kB. */
export const maxHeaderLength = 16_384

/**
 * Canonical JSON (RFC 8785): equal values have equal text, on every implementation.
 * @throws {MalformedError} the value has no JSON form.
 */
export function jcs(value: unknown): string {
  const text = flat(value) ?? canonical(value)
  if (text === undefined) throw new MalformedError('A value without a JSON form cannot be canonicalised.')
  return text
}

/**
 * A flat object of plain names, such as a receipt: put in order it is canonical as `JSON.stringify` writes it, in half the time.
 * Null for every other value, and where the two could differ: names that are numbers are not kept in order.
 */
function flat(value: unknown): string | null {
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return null
  const given = value as Readonly<Record<string, unknown>>
  let isInOrder = true
  let last = 'a'
  for (const name in given) {
    if (name < 'a' || !isFlat(given[name])) return null
    isInOrder &&= name >= last
    last = name
  }
  const text = JSON.stringify(isInOrder ? given : inOrder(given))
  return loneSurrogate.test(text) ? null : text
}

function inOrder(given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(given).sort(([one], [other]) => (one < other ? -1 : 1)))
}

const isFlat = (member: unknown) =>
  typeof member === 'string' || typeof member === 'boolean' || member === undefined || Number.isFinite(member)

/** As `JSON.stringify` writes one, and a backslash before such letters. */
const loneSurrogate = /\\ud[89a-f]/

/** Numbers beyond a double, lone surrogates, nesting beyond the stack: none of them has a canonical form. */
function canonical(value: unknown): string | undefined {
  try {
    return canonicalize(value)
  } catch {
    return undefined
  }
}

/** base64url without padding (RFC 4648 section 5) of UTF-8 text. */
export function toBase64Url(text: string): string {
  return urlSafe(toBase64(text))
}

/** base64url without padding of bytes. */
export function bytesToBase64Url(bytes: Uint8Array): string {
  return urlSafe(bytesToBase64(bytes))
}

function urlSafe(base64: string): string {
  // Padding stands at the end and nowhere else.
  const end = base64.indexOf('=')
  return (end === -1 ? base64 : base64.slice(0, end)).replaceAll('+', '-').replaceAll('/', '_')
}

/** base64 with padding (RFC 4648 section 4) of UTF-8 text. */
export function toBase64(text: string): string {
  return ascii.test(text) ? btoa(text) : bytesToBase64(new TextEncoder().encode(text))
}

/** Text that has as many bytes as characters: nearly all of it, and much faster. */
const ascii = /^[\0-\x7f]*$/

/** base64 with padding of bytes. */
export function bytesToBase64(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary)
}

/**
 * Decodes base64 or base64url, with or without padding, of a bounded JSON object in UTF-8.
 * Keys that could reach a prototype are refused.
 * @throws {MalformedError} too long, not base64, not UTF-8, not JSON, not an object.
 */
export function decodeJsonObject(encoded: string): Record<string, unknown> {
  const value = parseJson(decodeText(encoded))
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new MalformedError('The decoded value is not a JSON object.')
  return value as Record<string, unknown>
}

function decodeText(encoded: string): string {
  if (encoded.length > maxHeaderLength)
    throw new MalformedError(`${encoded.length} characters are more than the ${maxHeaderLength} allowed.`)
  // `atob` passes over white space, and refuses every other stranger itself.
  if (encoded === '' || /\s/.test(encoded)) throw new MalformedError('The value is not base64.')
  try {
    const binary = atob(encoded.replaceAll('-', '+').replaceAll('_', '/'))
    if (ascii.test(binary)) return binary
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0))
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new MalformedError('The value is not base64 of UTF-8 text.')
  }
}

function parseJson(text: string): unknown {
  try {
    // Without an escape in it, a text that does not contain these names has no key of that name.
    if (!/\\|__proto__|constructor|prototype/.test(text)) return JSON.parse(text)
    return JSON.parse(text, (key, value: unknown) => {
      if (key === '__proto__' || key === 'constructor' || key === 'prototype') throw new Error(key)
      return value
    })
  } catch {
    throw new MalformedError('The decoded text is not JSON.')
  }
}

/** Bytes from the wire that do not say what they should. Never carries the bytes themselves. */
export class MalformedError extends Error {
  override readonly name = 'MalformedError'
}
