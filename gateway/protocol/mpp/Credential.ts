import * as z from 'zod/mini'
import { decodeJsonObject, jcs, MalformedError, toBase64Url } from '../Encoding.ts'
import { complaint } from '../Schema.ts'
import * as Challenge from './Challenge.ts'

/** What a client sends back: the challenge it answers and its proof of payment. */
export type Credential = {
  challenge: Challenge.Challenge
  /** DID of the payer, where the method wants one: `did:pkh:eip155:<chain>:<address>`. */
  source?: string | undefined
  payload: Record<string, unknown>
}

const schema = z.object({
  challenge: Challenge.schema,
  source: z.optional(z.string().check(z.maxLength(256))),
  payload: z.record(z.string(), z.unknown()),
})

/** The base64url token of `Authorization: Payment <token>`, or null when the header is of another scheme. */
export function token(authorization: string): string | null {
  return /^payment +(\S+)$/i.exec(authorization.trim())?.[1] ?? null
}

/**
 * Reads a credential from its token.
 * @throws {MalformedError} too long, not base64url JSON, or not of the credential's shape.
 */
export function parse(encoded: string): Credential {
  const parsed = schema.safeParse(decodeJsonObject(encoded))
  if (!parsed.success) throw new MalformedError(`The credential's ${complaint(parsed.error)}.`)
  return parsed.data
}

/** The whole value of the `Authorization` header. */
export function serialize(credential: Credential): string {
  return `Payment ${toBase64Url(jcs(credential))}`
}
