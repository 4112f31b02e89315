import { type Address, encodeAbiParameters, type Hex, keccak256, type TypedDataDomain } from 'viem'

/** EIP-3009: a token transfer that the payer signs and anybody submits. */

/** What is signed. Amount in base units, times in Unix seconds. */
export type Authorization = {
  from: Address
  to: Address
  value: bigint
  validAfter: bigint
  validBefore: bigint
  nonce: Hex
}

/** EIP-712 domain of a token: as the token's own contract states it. */
export type TokenDomain = { name: string; version: string; chainId: number; token: Address }

const fields = [
  { name: 'from', type: 'address' },
  { name: 'to', type: 'address' },
  { name: 'value', type: 'uint256' },
  { name: 'validAfter', type: 'uint256' },
  { name: 'validBefore', type: 'uint256' },
  { name: 'nonce', type: 'bytes32' },
] as const

/** Typed data of `transferWithAuthorization` (`transfer`) or `receiveWithAuthorization` (`receive`). */
export function typedData(kind: 'transfer' | 'receive', domain: TokenDomain, message: Authorization) {
  const shared = { domain: tokenDomain(domain), message }
  return kind === 'transfer'
    ? ({
        ...shared,
        types: { TransferWithAuthorization: fields },
        primaryType: 'TransferWithAuthorization',
      } as const)
    : ({
        ...shared,
        types: { ReceiveWithAuthorization: fields },
        primaryType: 'ReceiveWithAuthorization',
      } as const)
}

/**
 * Nonce of a relayed open: binds the channel's parameters into the payer's signature, so that nobody can open it for
 * another payee (draft-evm-session-00, "Front-Running Protection"). `authorizedSigner` is the zero address when omitted.
 */
export function openNonce(channel: {
  from: Address
  payee: Address
  token: Address
  salt: Hex
  authorizedSigner: Address
}): Hex {
  return keccak256(
    encodeAbiParameters(
      [
        { type: 'address' },
        { type: 'address' },
        { type: 'address' },
        { type: 'bytes32' },
        { type: 'address' },
      ],
      [channel.from, channel.payee, channel.token, channel.salt, channel.authorizedSigner],
    ),
  )
}

/** Nonce of a relayed top-up (same section). Amount in base units. */
export function topUpNonce(topUp: {
  channelId: Hex
  additionalDeposit: bigint
  from: Address
  topUpSalt: Hex
}): Hex {
  return keccak256(
    encodeAbiParameters(
      [{ type: 'bytes32' }, { type: 'uint128' }, { type: 'address' }, { type: 'bytes32' }],
      [topUp.channelId, topUp.additionalDeposit, topUp.from, topUp.topUpSalt],
    ),
  )
}

function tokenDomain(domain: TokenDomain): TypedDataDomain {
  return {
    name: domain.name,
    version: domain.version,
    chainId: domain.chainId,
    verifyingContract: domain.token,
  }
}
