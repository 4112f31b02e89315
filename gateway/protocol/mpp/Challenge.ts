import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { type Hex, keccak256, toBytes } from 'viem'
import * as z from 'zod/mini'
import {
  bytesToBase64Url,
  decodeJsonObject,
  jcs,
  MalformedError,
  maxHeaderLength,
  toBase64Url,
} from '../Encoding.ts'

/** A payment challenge: one way to pay, as auth-params of `WWW-Authenticate: Payment` (draft-httpauth-payment-00). */
export type Challenge = {
  id: string
  realm: string
  method: string
  intent: string
  /** base64url of the JCS form of the method's request. */
  request: string
  /** RFC 3339. */
  expires?: string | undefined
  /** RFC 9530 content digest of the request body. */
  digest?: string | undefined
  description?: string | undefined
  /** base64url of the JCS form of a flat string map. */
  opaque?: string | undefined
}

const text = z.string().check(z.maxLength(maxHeaderLength))

/** The challenge as a credential echoes it. */
export const schema = z.object({
  id: text.check(z.minLength(1)),
  realm: text,
  method: text,
  intent: text,
  request: text,
  expires: z.optional(text),
  digest: z.optional(text),
  description: z.optional(text),
  opaque: z.optional(text),
})

/** What binds a challenge: a key, or who keeps one and gives HMAC-SHA-256 of a text, base64url without padding. */
export type Secret = Uint8Array | ((text: string) => string)

/**
 * Makes a challenge whose id is an HMAC over its parameters, so that a credential can be checked without storing it
 * (section "Challenge Binding", the recommended form).
 */
export function create(parameters: create.Parameters, secret: Secret): Challenge {
  const unbound = {
    realm: parameters.realm,
    method: parameters.method,
    intent: parameters.intent,
    request: toRequest(parameters.request),
    expires: parameters.expires,
    digest: parameters.digest,
    description: parameters.description,
    opaque: parameters.opaque === undefined ? undefined : toBase64Url(jcs(parameters.opaque)),
  }
  return { id: bind(unbound, secret), ...unbound }
}

export declare namespace create {
  type Parameters = {
    realm: string
    method: string
    intent: string
    request: Record<string, unknown>
    expires?: string | undefined
    digest?: string | undefined
    description?: string | undefined
    opaque?: Record<string, string> | undefined
  }
}

/** A request as it stands in a challenge: base64url of its canonical JSON. Equal requests have equal text. */
export function toRequest(request: Record<string, unknown>): string {
  return toBase64Url(jcs(request))
}

/** The id that these parameters have under this secret: seven fixed slots, joined by `|`. */
export function bind(challenge: Omit<Challenge, 'id'>, secret: Secret): string {
  const input = [
    challenge.realm,
    challenge.method,
    challenge.intent,
    challenge.request,
    challenge.expires ?? '',
    challenge.digest ?? '',
    challenge.opaque ?? '',
  ].join('|')
  if (typeof secret === 'function') return secret(input)
  return bytesToBase64Url(hmac(sha256, secret, new TextEncoder().encode(input)))
}

/** True when the id is the one we would give these parameters. Takes the same time whatever differs. */
export function isBound(challenge: Challenge, secret: Secret): boolean {
  const expected = bind(challenge, secret)
  if (expected.length !== challenge.id.length) return false
  let difference = 0
  for (let i = 0; i < expected.length; i++) difference |= expected.charCodeAt(i) ^ challenge.id.charCodeAt(i)
  return difference === 0
}

/** `keccak256(id ‖ realm)`: the EIP-3009 nonce that binds a transfer to its challenge (draft-evm-charge-00). */
export function hash(challenge: Pick<Challenge, 'id' | 'realm'>): Hex {
  return keccak256(toBytes(challenge.id + challenge.realm))
}

/** The value of a `WWW-Authenticate` header. Anything that is not printable ASCII in a description becomes `?`. */
export function serialize(challenge: Challenge): string {
  const order = [
    'id',
    'realm',
    'method',
    'intent',
    'request',
    'expires',
    'digest',
    'opaque',
    'description',
  ] as const
  const parameters = order.flatMap((name) => {
    const value = challenge[name]
    return value === undefined ? [] : [`${name}="${quoted(value)}"`]
  })
  return `Payment ${parameters.join(', ')}`
}

const quoted = (value: string) => value.replace(/[^\x20-\x7e]/gu, '?').replace(/["\\]/g, '\\$&')

/**
 * Reads every `Payment` challenge from a `WWW-Authenticate` value, which may hold several schemes joined by commas.
 * A challenge that lacks a required parameter is left out; other schemes are passed over.
 */
export function parseAll(header: string): Challenge[] {
  return schemes(header.slice(0, maxHeaderLength * 4)).flatMap(({ scheme, parameters }) => {
    if (scheme !== 'payment') return []
    const parsed = schema.safeParse(parameters)
    return parsed.success ? [parsed.data] : []
  })
}

/** Decodes a challenge's request. @throws {MalformedError} */
export function decodeRequest(challenge: Pick<Challenge, 'request'>): Record<string, unknown> {
  return decodeJsonObject(challenge.request)
}

const flatMap = z.record(z.string(), z.string())

/** Decodes a challenge's opaque map. @throws {MalformedError} not a flat map of strings. */
export function decodeOpaque(challenge: Pick<Challenge, 'opaque'>): Record<string, string> {
  if (challenge.opaque === undefined) return {}
  const parsed = flatMap.safeParse(decodeJsonObject(challenge.opaque))
  if (!parsed.success) throw new MalformedError('The opaque parameter is not a map of strings.')
  return parsed.data
}

type Scheme = { scheme: string; parameters: Record<string, string> }

/** One pass over RFC 9110 section 11.6.1: `scheme param="value", param=token, scheme …`. */
function schemes(header: string): Scheme[] {
  const found: Scheme[] = []
  const pattern = /([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))|(?=\s|,|$))/gy
  let position = 0
  while (position < header.length) {
    const separator = /[\s,]*/y
    separator.lastIndex = position
    position += separator.exec(header)?.[0].length ?? 0
    pattern.lastIndex = position
    const match = pattern.exec(header)
    if (match === null || match[1] === undefined) break
    position = pattern.lastIndex
    const value = match[2]?.replace(/\\(.)/g, '$1') ?? match[3]
    if (value === undefined) found.push({ scheme: match[1].toLowerCase(), parameters: Object.create(null) })
    else {
      const current = found.at(-1)
      if (current !== undefined) current.parameters[match[1].toLowerCase()] ??= value
    }
  }
  return found
}
