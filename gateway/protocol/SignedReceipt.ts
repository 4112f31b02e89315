import * as z from 'zod/mini'
import { MalformedError } from './Encoding.ts'
import * as Jws from './Jws.ts'
import { address, amount, complaint } from './Schema.ts'

/**
 * The gateway's own receipt, the same on every rail and dialect: a compact JWS (RFC 7515) with Ed25519 (RFC 8037) in the
 * `Farthing-Receipt` header. It says what was paid, for what and by whom, and only the gateway can have written it.
 */

export const header = 'Farthing-Receipt'

const claims = z.object({
  /** Payment id. */
  jti: z.string(),
  /** The gateway's public URL. */
  iss: z.string(),
  /** The paying wallet. */
  sub: address,
  /** Unix seconds. */
  iat: z.number(),
  route: z.string(),
  rail: z.enum(['charge', 'channel', 'balance']),
  /** Base units charged. */
  amount,
  /** CAIP-19. */
  asset: z.string(),
  transaction: z.optional(z.string()),
  channelId: z.optional(z.string()),
  acceptedCumulative: z.optional(amount),
  spent: z.optional(amount),
})
export type Claims = z.infer<typeof claims>

export type PublicKey = Jws.PublicKey

const typ = 'farthing-receipt+jws'

/** The part of a JWS that is signed: `base64url(header).base64url(claims)`. */
export function signingInput(receipt: Claims): string {
  return Jws.signingInput(typ, receipt)
}

/**
 * Checks the signature and reads the claims.
 * @throws {MalformedError} not a receipt, or not signed by this key.
 */
export async function verify(jws: string, key: PublicKey): Promise<Claims> {
  const parsed = claims.safeParse(await Jws.open(jws, typ, key, `The ${header} header`))
  if (!parsed.success) throw new MalformedError(`The receipt's ${complaint(parsed.error)}.`)
  return parsed.data
}
