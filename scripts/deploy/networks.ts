/** A chain the escrow can be deployed to. */
export type Network = {
  name: string
  chainId: number
  rpcUrl: string
  /** Blocks to wait for, the transaction's own counted: enough that the chain is not expected to take it back. */
  confirmations: number
}

/**
 * The test networks known by name. Their public RPC endpoints are free and slow; `--rpc-url`, or the environment variable
 * that `rpcVariable` names, replaces them.
 */
export const networks: readonly Network[] = [
  { name: 'base-sepolia', chainId: 84532, rpcUrl: 'https://sepolia.base.org', confirmations: 3 },
  {
    name: 'sepolia',
    chainId: 11155111,
    rpcUrl: 'https://ethereum-sepolia-rpc.publicnode.com',
    confirmations: 4,
  },
  { name: 'optimism-sepolia', chainId: 11155420, rpcUrl: 'https://sepolia.optimism.io', confirmations: 3 },
  {
    name: 'arbitrum-sepolia',
    chainId: 421614,
    rpcUrl: 'https://sepolia-rollup.arbitrum.io/rpc',
    confirmations: 3,
  },
  { name: 'polygon-amoy', chainId: 80002, rpcUrl: 'https://rpc-amoy.polygon.technology', confirmations: 8 },
]

/** The configuration variable with a network's RPC address, e.g. `BASE_SEPOLIA_RPC_URL`. */
export function rpcVariable(name: string): string {
  return `${name.toUpperCase().replaceAll('-', '_')}_RPC_URL`
}

/** The configuration variable with the deployer's private key. */
export const keyVariable = 'DEPLOYER_PRIVATE_KEY'
