import { type Address, type Hex, hashTypedData } from 'viem'

/**
 * A wallet's signed wish to have its credit paid out (EIP-712). It names the payee whose books hold the credit, so that a
 * request for one gateway is worth nothing at another, and its nonce works once.
 */
export type WithdrawalRequest = {
  wallet: Address
  /** The gateway's payee: it pays. */
  payee: Address
  token: Address
  /** Base units. */
  amount: bigint
  /** Who is paid. */
  to: Address
  /** 32 random bytes; works once for each wallet. */
  nonce: Hex
  /** Unix seconds. */
  deadline: bigint
}

/** The chain that is paid on, and the gateway's escrow on it. */
export type Domain = { chainId: number; escrow: Address }

/** Typed data that the wallet signs. */
export function typedData(domain: Domain, message: WithdrawalRequest) {
  return {
    domain: {
      name: 'Farthing Withdrawal',
      version: '1',
      chainId: domain.chainId,
      verifyingContract: domain.escrow,
    },
    types: {
      Withdrawal: [
        { name: 'wallet', type: 'address' },
        { name: 'payee', type: 'address' },
        { name: 'token', type: 'address' },
        { name: 'amount', type: 'uint256' },
        { name: 'to', type: 'address' },
        { name: 'nonce', type: 'bytes32' },
        { name: 'deadline', type: 'uint256' },
      ],
    },
    primaryType: 'Withdrawal',
    message,
  } as const
}

/** EIP-712 digest: what an account signs, and what a contract wallet is asked about (ERC-1271). */
export function digest(domain: Domain, message: WithdrawalRequest): Hex {
  return hashTypedData(typedData(domain, message))
}
