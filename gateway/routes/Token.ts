import type { Address } from 'viem'
import * as Asset from '../ledger/Asset.ts'

/** A token that prices are named in. `name` and `version` are those of its EIP-712 domain. */
export type Token = {
  symbol: string
  address: Address
  chainId: number
  decimals: number
  name: string
  version: string
  /** Base units that a client is advised to put into a new channel. */
  suggestedDeposit: bigint
  /** Base units: the least deposit for which we pay the gas of an open. */
  leastDeposit: bigint
}

/** The books' name of the token. */
export function asset(token: Token): Asset.Asset {
  return Asset.of(token.chainId, token.address)
}

/** The token's EIP-712 domain. */
export function domain(token: Token) {
  return { name: token.name, version: token.version, chainId: token.chainId, token: token.address }
}
