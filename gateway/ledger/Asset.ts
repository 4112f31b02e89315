import type { Address } from 'viem'

/**
 * A token on a chain, as a CAIP-19 asset type with the address in lower case:
 * `eip155:31337/erc20:0x5fbdb2315678afecb367f032d93f642f64180aa3`.
 */
export type Asset = `eip155:${number}/erc20:${Address}`

/** Names a token on a chain. One token has one name, however its address was spelled. */
export function of(chainId: number, token: Address): Asset {
  return `eip155:${chainId}/erc20:${token.toLowerCase() as Address}`
}
