import { generateNonce, SiweMessage } from 'siwe'
import { type Address, getAddress, type Hex } from 'viem'
import type { Chain } from '../chain/Chain.ts'
import type { Clock } from '../clock.ts'
import type { Config } from '../config/Config.ts'
import { GatewayError } from '../errors.ts'
import type { Ledger } from '../ledger/Ledger.ts'
import * as Session from './Session.ts'

/** Sign-In with Ethereum (EIP-4361): siwe writes and reads the message, viem checks the signature. */

type Deps = { config: Config; chain: Chain; ledger: Ledger; clock: Clock }

const messageSeconds = 300

/** Writes the message that a wallet signs to sign in. Its nonce works once, for five minutes. */
export async function prepare(
  address: Address,
  { config, chain, ledger, clock }: Deps,
): Promise<SignIn.Prepared> {
  const nonce = generateNonce()
  const now = clock.now()
  const expiresAt = now + messageSeconds * 1000
  await ledger.createNonce(nonce, expiresAt)
  const message = new SiweMessage({
    scheme: config.publicUrl.protocol.slice(0, -1),
    domain: config.publicUrl.host,
    address: getAddress(address),
    statement: 'Sign in to see and spend what this wallet holds here. This moves no money.',
    uri: config.publicUrl.origin,
    version: '1',
    chainId: chain.id,
    nonce,
    issuedAt: new Date(now).toISOString(),
    expirationTime: new Date(expiresAt).toISOString(),
  })
  return { nonce, message: message.prepareMessage() }
}

/**
 * Opens a session for the wallet that signed the message. Domain, URI and chain are compared with the configuration,
 * never with what the request says about itself.
 * @throws {SignInRefusedError} the same for every reason, so that nothing is learnt by trying.
 */
export async function complete(
  signed: SignIn.Signed,
  { config, chain, ledger, clock }: Deps,
): Promise<SignIn.Opened> {
  const message = parse(signed.message)
  const now = clock.now()
  const ours =
    message.domain === config.publicUrl.host &&
    message.uri === config.publicUrl.origin &&
    message.version === '1' &&
    message.chainId === chain.id &&
    Date.parse(message.expirationTime ?? '') > now &&
    (message.notBefore === undefined || Date.parse(message.notBefore) <= now)
  const wallet = message.address.toLowerCase() as Address
  if (!ours || !(await chain.verifyMessage(wallet, signed.message, signed.signature)))
    throw new SignInRefusedError()
  if (!(await ledger.useNonce(message.nonce, now))) throw new SignInRefusedError()
  const token = Session.newToken()
  const expiresAt = now + config.sessionSeconds * 1000
  await ledger.createSession({
    tokenHash: Session.hashToken(token),
    wallet,
    chainId: chain.id,
    createdAt: now,
    expiresAt,
  })
  return { token, wallet, expiresAt }
}

function parse(text: string): SiweMessage {
  try {
    return new SiweMessage(text)
  } catch {
    throw new SignInRefusedError()
  }
}

export declare namespace SignIn {
  type Prepared = { nonce: string; message: string }
  type Signed = { message: string; signature: Hex }
  /** `expiresAt` in milliseconds since the epoch. */
  type Opened = { token: string; wallet: Address; expiresAt: number }
}

/** The message is not one of ours, was used before, has expired, or is not signed by the wallet it names. */
export class SignInRefusedError extends GatewayError {
  constructor() {
    super({
      status: 401,
      code: 'sign-in-refused',
      message:
        'The signed message does not sign this wallet in. Ask for a new one at /farthing/sign-in and sign it unchanged.',
    })
  }
}
