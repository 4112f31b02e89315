import type { Address } from 'viem'
import type { Authorization } from '../gateway/protocol/Authorization.ts'

/** A payer's identity: `did:pkh:eip155:<chain>:<address>`. */
export function did(chainId: number, address: Address): string {
  return `did:pkh:eip155:${chainId}:${address}`
}

/** An authorization as it stands in a credential. */
export function wire(message: Authorization) {
  return {
    from: message.from,
    to: message.to,
    value: message.value.toString(),
    validAfter: message.validAfter.toString(),
    validBefore: message.validBefore.toString(),
    nonce: message.nonce,
  }
}
