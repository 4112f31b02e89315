import { decodeJsonObject, MalformedError, toBase64Url } from './Encoding.ts'
import * as StatementTree from './StatementTree.ts'

/**
 * Statements that the gateway signs: a compact JWS (RFC 7515) with Ed25519 (RFC 8037). `typ` says what kind of statement
 * it is and is part of what is signed, so that one kind never passes for another.
 *
 * | `alg` | The signature part |
 * |---|---|
 * | `EdDSA` | Ed25519 of `header.claims`: 86 characters |
 * | `Ed25519-SHA256-tree` | the path to the root of a `StatementTree`, then Ed25519 of that root: its last 86 characters |
 */

/** Public half of the gateway's receipt key, as its discovery document states it. */
export type PublicKey = { kty: 'OKP'; crv: 'Ed25519'; x: string }

export type Claim = string | number | bigint | boolean | undefined
export type Claims = Readonly<Record<string, Claim>>

/** The part of a JWS that is signed: `base64url(header).base64url(claims)`. Integers become decimal digits. */
export function signingInput(typ: string, claims: Claims): string {
  return `${protectedHeader(typ, 'EdDSA')}.${encoded(claims)}`
}

/** Statements of one kind under one signature: what is to be signed, and what they are once it is. */
export function together(typ: string, all: readonly Claims[], hash?: StatementTree.Hash): Together {
  const head = protectedHeader(typ, 'Ed25519-SHA256-tree')
  const inputs = all.map((claims) => `${head}.${encoded(claims)}`)
  const { root, paths } = StatementTree.grow(inputs, hash)
  return { root, signed: (signature) => inputs.map((input, index) => `${input}.${paths[index]}${signature}`) }
}

export type Together = {
  root: string
  /** Takes the Ed25519 signature of the root, base64url. In the order of the claims. */
  signed(signature: string): string[]
}

/** Takes a JWS of this kind apart: the text that is signed, its signature, the encoded claims. Null when it is not one. */
export function parts(jws: string, typ: string): { signs: string; signature: string; claims: string } | null {
  const [head, claims, last, ...rest] = jws.split('.')
  if (claims === undefined || last === undefined || rest.length > 0) return null
  const [path, signature] = [last.slice(0, -86), last.slice(-86)]
  if (!isSignature.test(signature)) return null
  const input = `${head}.${claims}`
  if (head === protectedHeader(typ, 'EdDSA')) return path === '' ? { signs: input, signature, claims } : null
  if (head !== protectedHeader(typ, 'Ed25519-SHA256-tree')) return null
  const root = StatementTree.rootOf(input, path)
  return root === null ? null : { signs: root, signature, claims }
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
  const found = parts(jws, typ)
  if (found === null) throw new MalformedError(`${what} is not one.`)
  const publicKey = await crypto.subtle.importKey('jwk', key, 'Ed25519', false, ['verify'])
  const signed = new TextEncoder().encode(found.signs)
  if (!(await crypto.subtle.verify('Ed25519', publicKey, bytes(found.signature), signed)))
    throw new MalformedError(`${what} is not signed by the gateway's receipt key.`)
  return decodeJsonObject(found.claims)
}

type Algorithm = 'EdDSA' | 'Ed25519-SHA256-tree'

const protectedHeader = (typ: string, alg: Algorithm) => toBase64Url(JSON.stringify({ alg, typ }))

function encoded(claims: Claims): string {
  const plain: Record<string, Claim> = { ...claims }
  for (const name of Object.keys(plain)) {
    const value = plain[name]
    if (typeof value === 'bigint') plain[name] = value.toString()
  }
  return toBase64Url(JSON.stringify(plain))
}

const isSignature = /^[A-Za-z0-9_-]{86}$/

function bytes(base64url: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64url.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0))
}
