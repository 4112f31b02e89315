import * as z from 'zod/mini'
import { MalformedError } from './Encoding.ts'
import * as Jws from './Jws.ts'

/**
 * A receipt key hands over to the next one: a compact JWS by the old key that names the new one. Who has pinned the old key
 * can follow, and nobody else's key is ever taken for it.
 */

const typ = 'farthing-key-rotation+jws'
const claims = z.object({ next: z.string().check(z.regex(/^[A-Za-z0-9_-]{43}$/)) })

/** The part that the old key signs. */
export function signingInput(next: Jws.PublicKey): string {
  return Jws.signingInput(typ, { next: next.x })
}

/** The key that `previous` names as the next one. @throws {MalformedError} not signed by it. */
export async function verify(jws: string, previous: Jws.PublicKey): Promise<Jws.PublicKey> {
  const parsed = claims.safeParse(await Jws.open(jws, typ, previous, 'The key rotation'))
  if (!parsed.success) throw new MalformedError('The key rotation names no key.')
  return { kty: 'OKP', crv: 'Ed25519', x: parsed.data.next }
}
