import { type Address, bytesToHex, type Hex } from 'viem'
import type * as Authorization from '../../gateway/protocol/Authorization.ts'
import { hash } from '../../gateway/protocol/mpp/Challenge.ts'
import * as Credential from '../../gateway/protocol/mpp/Credential.ts'
import * as PaymentPayload from '../../gateway/protocol/x402/PaymentPayload.ts'
import type { Context } from '../Context.ts'
import { unixSeconds } from '../clock.ts'
import type { ChargeOffer } from '../offers/Offer.ts'
import { signAuthorization } from '../sign-authorization.ts'

/** Longest time, in seconds, that a signed transfer stays usable, whatever the server asks for. */
const maxLifetime = 900n

/**
 * Signs one transfer and returns the header that carries it: EIP-3009 for MPP (draft-evm-charge-00, "Authorization
 * Payload", its nonce bound to the challenge) or x402 `exact` (scheme_exact_evm section 1, a random nonce).
 */
export async function signCharge(
  context: Context,
  offer: ChargeOffer,
  domain: Authorization.TokenDomain,
): Promise<Record<string, string>> {
  const { source } = offer
  const message: Authorization.Authorization = {
    from: context.address,
    to: offer.payee,
    value: offer.amount,
    validAfter: 0n,
    validBefore: deadline(context, offer),
    nonce: source.dialect === 'mpp' ? hash(source.challenge) : random32(),
  }
  const signature = await signAuthorization(context, 'transfer', domain, message)
  const authorization = wire(message)
  if (source.dialect === 'x402')
    return {
      [PaymentPayload.header]: PaymentPayload.serialize({
        x402Version: 2,
        resource: source.required.resource,
        accepted: source.requirements,
        payload: { signature, authorization },
      }),
    }
  return {
    Authorization: Credential.serialize({
      challenge: source.challenge,
      source: did(offer.chainId, context.address),
      payload: { type: 'authorization', ...authorization, signature },
    }),
  }
}

/** A payer's identity: `did:pkh:eip155:<chain>:<address>`. */
export function did(chainId: number, address: Address): string {
  return `did:pkh:eip155:${chainId}:${address}`
}

/** An authorization as it stands in a credential. */
export function wire(message: Authorization.Authorization) {
  return {
    from: message.from,
    to: message.to,
    value: message.value.toString(),
    validAfter: message.validAfter.toString(),
    validBefore: message.validBefore.toString(),
    nonce: message.nonce,
  }
}

/** 32 random bytes. */
export function random32(): Hex {
  return bytesToHex(crypto.getRandomValues(new Uint8Array(32)))
}

function deadline(context: Context, offer: ChargeOffer): bigint {
  const now = unixSeconds(context.clock)
  const asked =
    offer.source.dialect === 'x402'
      ? now + BigInt(offer.source.requirements.maxTimeoutSeconds)
      : offer.source.challenge.expires === undefined
        ? now + 300n
        : BigInt(Math.floor(Date.parse(offer.source.challenge.expires) / 1000))
  return asked < now + maxLifetime ? asked : now + maxLifetime
}
