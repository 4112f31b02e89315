import { type Address, encodeAbiParameters, type Hex, hashTypedData, keccak256, zeroAddress } from 'viem'

/** A voucher: the payer's signature over (channelId, cumulativeAmount). Cumulative, so a replay adds nothing. */
export type Voucher = { channelId: Hex; cumulativeAmount: bigint }

/** The escrow that must honour it. */
export type EscrowDomain = { chainId: number; escrow: Address }

/** Typed data of a voucher (draft-evm-session-00, "Voucher Signing Format"). */
export function typedData(domain: EscrowDomain, voucher: Voucher) {
  return {
    domain: {
      name: 'EVM Payment Channel',
      version: '1',
      chainId: domain.chainId,
      verifyingContract: domain.escrow,
    },
    types: {
      Voucher: [
        { name: 'channelId', type: 'bytes32' },
        { name: 'cumulativeAmount', type: 'uint128' },
      ],
    },
    primaryType: 'Voucher',
    message: voucher,
  } as const
}

/** EIP-712 digest that the signer signs. */
export function digest(domain: EscrowDomain, voucher: Voucher): Hex {
  return hashTypedData(typedData(domain, voucher))
}

/** Identity of a channel (draft-evm-session-00, "Channel State"). The zero signer stands for the payer. */
export function channelId(channel: {
  payer: Address
  payee: Address
  token: Address
  salt: Hex
  authorizedSigner?: Address | undefined
  escrow: Address
  chainId: number
}): Hex {
  return keccak256(
    encodeAbiParameters(
      [
        { type: 'address' },
        { type: 'address' },
        { type: 'address' },
        { type: 'bytes32' },
        { type: 'address' },
        { type: 'address' },
        { type: 'uint256' },
      ],
      [
        channel.payer,
        channel.payee,
        channel.token,
        channel.salt,
        channel.authorizedSigner ?? zeroAddress,
        channel.escrow,
        BigInt(channel.chainId),
      ],
    ),
  )
}
