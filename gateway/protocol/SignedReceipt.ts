import * as z from 'zod/mini'
import { MalformedError } from './Encoding.ts'
import * as Jws from './Jws.ts'
import { address, amount, complaint } from './Schema.ts'
import type * as StatementTree from './StatementTree.ts'

/**
 * The gateway's own receipt, the same on every rail and dialect: a compact JWS (RFC 7515) in the `Farthing-Receipt` header.
 * It says what was paid, for what and by whom, and only the gateway can have written it. Calls that end together share one
 * Ed25519 signature (`Jws`); each receipt is checked alone.
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

/** Receipts under one signature: `root` is what is to be signed. `hash` may be a faster SHA-256. */
export function together(receipts: readonly Claims[], hash?: StatementTree.Hash): Jws.Together {
  return Jws.together(typ, receipts, hash)
}

/** What stands in a receipt, for who checks the signature otherwise; null when it is none. */
export function parts(jws: string): ReturnType<typeof Jws.parts> {
  return Jws.parts(jws, typ)
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
