import type { Address } from 'viem'
import type { Deps } from '../deps.ts'
import { SessionInvalidError } from '../request/identify.ts'
import { readCredential } from '../request/read-credential.ts'

/** The bearer token of a request, or null. */
export function tokenOf(request: Request): string | null {
  return readCredential((name) => request.headers.get(name)).sessionToken
}

/** The wallet that a request is signed in as. @throws {SessionInvalidError} 401 with how to sign in. */
export async function walletOf(request: Request, { sessions, config }: Deps): Promise<Address> {
  const token = tokenOf(request)
  const session = token === null ? null : await sessions.find(token)
  if (session === null) throw new SessionInvalidError(config.publicUrl)
  return session.wallet
}
