import { decodeJsonObject, MalformedError, toBase64Url } from './Encoding.ts'

/**
 * Statements that the gateway signs: a compact JWS (RFC 7515) with Ed25519 (RFC 8037). `typ` says what kind of statement
 * it is and is part of what is signed, so that one kind never passes for another.
 */

/** Public half of the gateway's receipt key, as its discovery document states it. */
export type PublicKey = { kty: 'OKP'; crv: 'Ed25519'; x: string }

type Claim = string | number | bigint | boolean | undefined

/** The part of a JWS that is signed: `base64url(header).base64url(claims)`. Integers become decimal digits. */
export function signingInput(typ: string, claims: Readonly<Record<string, Claim>>): string {
  const plain: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(claims))
    plain[name] = typeof value === 'bigint' ? value.toString() : value
  return `${protectedHeader(typ)}.${toBase64Url(JSON.stringify(plain))}`
}

/**
 * Checks kind and signature, and gives the claims as they are. `what` names it in a complaint.
 * @throws {MalformedError} not a JWS of this kind, or not signed by this key.
 */
export async function open(
  jws: string,
  typ: string,
  key: PublicKey,
  what: string,
): Promise<Record<string, unknown>> {
  const [head, body, signature, ...rest] = jws.split('.')
  const ours = head === protectedHeader(typ)
  if (!ours || body === undefined || signature === undefined || rest.length > 0)
    throw new MalformedError(`${what} is not one.`)
  const publicKey = await crypto.subtle.importKey('jwk', key, 'Ed25519', false, ['verify'])
  const signed = new TextEncoder().encode(`${head}.${body}`)
  if (!(await crypto.subtle.verify('Ed25519', publicKey, bytes(signature), signed)))
    throw new MalformedError(`${what} is not signed by the gateway's receipt key.`)
  return decodeJsonObject(body)
}

const protectedHeader = (typ: string) => toBase64Url(JSON.stringify({ alg: 'EdDSA', typ }))

function bytes(base64url: string): Uint8Array<ArrayBuffer> {
  if (!/^[A-Za-z0-9_-]{86}$/.test(base64url)) throw new MalformedError('The signature is not 64 bytes.')
  return Uint8Array.from(atob(base64url.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0))
}
