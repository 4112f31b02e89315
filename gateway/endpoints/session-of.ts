import type { Address } from 'viem'
import type { Deps } from '../deps.ts'
import { SessionInvalidError } from '../request/identify.ts'
import { readCredential } from '../request/read-credential.ts'
import * as Session from '../wallet/Session.ts'

/** The bearer token of a request, or null. */
export function tokenOf(request: Request): string | null {
  return readCredential((name) => request.headers.get(name)).sessionToken
}

/** The wallet that a request is signed in as. @throws {SessionInvalidError} 401 with how to sign in. */
export async function walletOf(request: Request, { ledger, clock, config }: Deps): Promise<Address> {
  const token = tokenOf(request)
  const session = token === null ? null : await ledger.session(Session.hashToken(token), clock.now())
  if (session === null) throw new SessionInvalidError(config.publicUrl)
  return session.wallet
}
