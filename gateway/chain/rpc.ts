import { type Chain, createPublicClient, fallback, type HttpTransport, http, type PublicClient } from 'viem'

/** The node or nodes behind one chain. */
export type Rpc = {
  /** Reads: asks the first node, and the next when it fails. */
  read: PublicClient
  /** One client for each node, without any retry: what a broadcast came to must be known for each. */
  nodes: PublicClient<HttpTransport>[]
}

/** Makes the clients. They keep nothing open when idle. */
export function createRpc(options: {
  chainId: number
  urls: readonly string[]
  timeoutMs: number
  pollingMs: number
}): Rpc {
  const { chainId, urls, timeoutMs: timeout, pollingMs } = options
  const chain: Chain = {
    id: chainId,
    name: `eip155:${chainId}`,
    nativeCurrency: { name: 'Coin', symbol: 'COIN', decimals: 18 },
    rpcUrls: { default: { http: urls } },
  }
  const shared = { chain, pollingInterval: pollingMs, cacheTime: 0 }
  const single = (url: string) => http(url, { timeout, retryCount: 0 })
  return {
    read: createPublicClient({
      ...shared,
      transport: fallback(
        urls.map((url) => single(url)),
        { retryCount: urls.length > 1 ? 0 : 1, retryDelay: 100 },
      ),
    }),
    nodes: urls.map((url) => createPublicClient({ ...shared, transport: single(url) })),
  }
}
