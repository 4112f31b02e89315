import * as z from 'zod/mini'
import { decodeJsonObject, jcs, MalformedError, toBase64Url } from '../Encoding.ts'
import { complaint } from '../Schema.ts'
import * as Challenge from './Challenge.ts'
import { readChallenge } from './read-challenge.ts'

/** What a client sends back: the challenge it answers and its proof of payment. */
export type Credential = {
  challenge: Challenge.Challenge
  /** DID of the payer, where the method wants one: `did:pkh:eip155:<chain>:<address>`. */
  source?: string | undefined
  payload: Record<string, unknown>
}

const maxSourceLength = 256

const schema = z.object({
  challenge: Challenge.schema,
  source: z.optional(z.string().check(z.maxLength(maxSourceLength))),
  payload: z.record(z.string(), z.unknown()),
})

/** The base64url token of `Authorization: Payment <token>`, or null when the header is of another scheme. */
export function token(authorization: string): string | null {
  const text = authorization.trim()
  const scheme = /^payment +/i.exec(text)?.[0]
  if (scheme === undefined) return null
  const rest = text.slice(scheme.length)
  return /\s/.test(rest) ? null : rest
}

/**
 * Reads a credential from its token.
 * @throws {MalformedError} too long, not base64url JSON, or not of the credential's shape.
 */
export function parse(encoded: string): Credential {
  const value = decodeJsonObject(encoded)
  const plain = read(value)
  if (plain !== null) return plain
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw new MalformedError(`The credential's ${complaint(parsed.error)}.`)
  return parsed.data
}

/**
 * What nearly every credential is, without the schema, which costs a call as much as all else about reading it. Null leaves it
 * to the schema to read, or to say what is wrong.
 */
function read({ challenge, source, payload }: Record<string, unknown>): Credential | null {
  const echoed = readChallenge(challenge)
  if (echoed === null || !isMap(payload)) return null
  if (source !== undefined && !(typeof source === 'string' && source.length <= maxSourceLength)) return null
  return { challenge: echoed, source, payload }
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The whole value of the `Authorization` header. */
export function serialize(credential: Credential): string {
  return `Payment ${toBase64Url(jcs(credential))}`
}
