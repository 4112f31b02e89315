import * as z from 'zod/mini'
import { decodeJsonObject, MalformedError, toBase64Url } from './Encoding.ts'
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

/** Public half of the gateway's receipt key, as its discovery document states it. */
export type PublicKey = { kty: 'OKP'; crv: 'Ed25519'; x: string }

/** The part of a JWS that is signed: `base64url(header).base64url(claims)`. */
export function signingInput(receipt: Claims): string {
  const payload = JSON.stringify(receipt, (_key, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  )
  return `${protectedHeader}.${toBase64Url(payload)}`
}

const protectedHeader = toBase64Url(JSON.stringify({ alg: 'EdDSA', typ: 'farthing-receipt+jws' }))

/**
 * Checks the signature and reads the claims.
 * @throws {MalformedError} not a receipt, or not signed by this key.
 */
export async function verify(jws: string, key: PublicKey): Promise<Claims> {
  const [head, body, signature, ...rest] = jws.split('.')
  if (head !== protectedHeader || body === undefined || signature === undefined || rest.length > 0)
    throw new MalformedError(`The ${header} header is not a receipt.`)
  const publicKey = await crypto.subtle.importKey('jwk', key, 'Ed25519', false, ['verify'])
  const signed = new TextEncoder().encode(`${head}.${body}`)
  const valid = await crypto.subtle.verify('Ed25519', publicKey, bytes(signature), signed)
  if (!valid) throw new MalformedError(`The ${header} header is not signed by the gateway's receipt key.`)
  const parsed = claims.safeParse(decodeJsonObject(body))
  if (!parsed.success) throw new MalformedError(`The receipt's ${complaint(parsed.error)}.`)
  return parsed.data
}

function bytes(base64url: string): Uint8Array<ArrayBuffer> {
  if (!/^[A-Za-z0-9_-]{86}$/.test(base64url)) throw new MalformedError('The signature is not 64 bytes.')
  return Uint8Array.from(atob(base64url.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0))
}
