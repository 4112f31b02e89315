import type { Address, Hex } from 'viem'
import type { Deps } from '../deps.ts'
import { GatewayError } from '../errors.ts'
import * as Fields from '../upstream/Fields.ts'
import type { Matched } from './match.ts'
import { readCredential, type Sent } from './read-credential.ts'

/** A request whose caller is known as far as it can be before money is looked at. */
export type Identified = Matched &
  Sent & {
    /** Wallet that has proven itself by signing in. */
    signedIn: Address | null
    /** Wallet that the credential names as the payer, on a route with a gate. Proven only once the credential is verified. */
    claimedPayer: Address | null
  }

/** Reads who is calling. @throws {SessionInvalidError} 401 when a session is named and does not exist. */
export async function identify(matched: Matched, deps: Deps): Promise<Identified> {
  const sent = readCredential((name) => Fields.get(matched.incoming.fields, name))
  let signedIn: Address | null = null
  if (sent.sessionToken !== null) {
    const session = await deps.sessions.find(sent.sessionToken)
    if (session === null) throw new SessionInvalidError(deps.config.publicUrl)
    signedIn = session.wallet
  }
  // Nobody but a gate looks at it.
  const payer = matched.route.gate === null ? null : await claimedPayer(sent, deps)
  return { ...matched, ...sent, signedIn, claimedPayer: payer }
}

async function claimedPayer({ credential }: Sent, { ledger }: Deps): Promise<Address | null> {
  if (credential === null) return null
  const payload = credential.dialect === 'mpp' ? credential.credential.payload : credential.payment.payload
  const { channelId, authorization, deposit } = payload
  if (typeof channelId === 'string' && /^0x[0-9a-fA-F]{64}$/.test(channelId)) {
    const channel = await ledger.channel(channelId.toLowerCase() as Hex)
    if (channel !== null) return channel.payer
  }
  const from =
    member(authorization, 'from') ?? member(member(deposit, 'authorization'), 'from') ?? payload.from
  return isAddress(from) ? (from.toLowerCase() as Address) : null
}

const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined

const isAddress = (value: unknown): value is string =>
  typeof value === 'string' && /^0x[0-9a-fA-F]{40}$/.test(value)

/** The session does not exist or has ended; a stranger cannot tell which. */
export class SessionInvalidError extends GatewayError {
  constructor(publicUrl: URL) {
    super({
      status: 401,
      code: 'session-invalid',
      message: 'The session is unknown or has ended. Sign in again.',
      details: { signIn: new URL('/farthing/sign-in', publicUrl).href },
    })
  }
}
