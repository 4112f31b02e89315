import * as z from 'zod/mini'
import { MalformedError } from './Encoding.ts'
import * as Jws from './Jws.ts'
import { address, amount, complaint } from './Schema.ts'

/**
 * What became of one payment, in one word and in detail, signed by the gateway's receipt key: the answer of
 * `GET /farthing/payments/:id`.
 *
 * | Status | Means |
 * |---|---|
 * | `pending` | still running, or the chain has not answered yet (`money: "unknown"`): do not pay again |
 * | `settled` | the money is there, the answer is on its way |
 * | `delivered` | the answer left the gateway, or is stored; `bytes` and `whole` say how far a stream got |
 * | `failed` | nothing was delivered and nothing was charged |
 * | `credited` | nothing was delivered although money had moved: it is credit of the payer's wallet |
 * | `reversed` | the money moved and the chain took that back |
 */
export const statuses = ['pending', 'settled', 'delivered', 'failed', 'credited', 'reversed'] as const
export type Status = (typeof statuses)[number]

const claims = z.object({
  /** Payment id. */
  jti: z.string(),
  /** The gateway's public URL. */
  iss: z.string(),
  /** The paying wallet. */
  sub: address,
  /** Unix seconds at which this was so. */
  iat: z.number(),
  status: z.enum(statuses),
  /** What became of the call, in the ledger's words. */
  delivery: z.string(),
  /** What became of the money, in the ledger's words. */
  money: z.string(),
  route: z.string(),
  rail: z.enum(['charge', 'channel', 'balance']),
  /** CAIP-19. */
  asset: z.string(),
  /** Base units: the most that it could cost. */
  amount,
  /** Base units charged now, after what was given back. */
  charged: amount,
  /** Base units of it that became credit of the payer's wallet. */
  credited: amount,
  transaction: z.optional(z.string()),
  channelId: z.optional(z.string()),
  /** Bytes of a stream that left the gateway. */
  bytes: z.optional(z.number()),
  /** False when the stream broke off, or the caller hung up. */
  whole: z.optional(z.boolean()),
  reason: z.optional(z.string()),
  /** Unix milliseconds. */
  createdAt: z.number(),
  updatedAt: z.number(),
})
export type Claims = z.infer<typeof claims>

const typ = 'farthing-payment-status+jws'

/** The part of the JWS that is signed. */
export function signingInput(status: Claims): string {
  return Jws.signingInput(typ, status)
}

/**
 * Checks the signature and reads the claims.
 * @throws {MalformedError} not a payment's status, or not signed by this key.
 */
export async function verify(jws: string, key: Jws.PublicKey): Promise<Claims> {
  const parsed = claims.safeParse(await Jws.open(jws, typ, key, 'The payment status'))
  if (!parsed.success) throw new MalformedError(`The payment status's ${complaint(parsed.error)}.`)
  return parsed.data
}
