import { type Chain, createPublicClient, fallback, http, type PublicClient, type Transport } from 'viem'

/** A node: its JSON-RPC address, or a way to it that somebody else made. */
export type Endpoint = string | Transport

/** The node or nodes behind one chain. */
export type Rpc = {
  /** Reads: asks the first node, and the next when it fails. */
  read: PublicClient
  /** One client for each node, without any retry: what a broadcast came to must be known for each. */
  nodes: PublicClient[]
}

/** Makes the clients. They keep nothing open when idle. */
export function createRpc(options: {
  chainId: number
  endpoints: readonly Endpoint[]
  timeoutMs: number
  pollingMs: number
}): Rpc {
  const { chainId, endpoints, timeoutMs: timeout, pollingMs } = options
  const chain: Chain = {
    id: chainId,
    name: `eip155:${chainId}`,
    nativeCurrency: { name: 'Coin', symbol: 'COIN', decimals: 18 },
    rpcUrls: { default: { http: endpoints.filter((endpoint) => typeof endpoint === 'string') } },
  }
  const shared = { chain, pollingInterval: pollingMs, cacheTime: 0 }
  const single = (endpoint: Endpoint) =>
    typeof endpoint === 'string' ? http(endpoint, { timeout, retryCount: 0 }) : endpoint
  return {
    read: createPublicClient({
      ...shared,
      transport: fallback(
        endpoints.map((endpoint) => single(endpoint)),
        { retryCount: endpoints.length > 1 ? 0 : 1, retryDelay: 100 },
      ),
    }),
    nodes: endpoints.map((endpoint) => createPublicClient({ ...shared, transport: single(endpoint) })),
  }
}
