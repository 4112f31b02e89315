import {
  type Chain,
  createPublicClient,
  custom,
  type EIP1193RequestFn,
  hexToBigInt,
  http,
  type PublicClient,
  type Transport,
} from 'viem'
import { type Clock, systemClock } from '../clock.ts'
import { ChainUnavailableError } from './ChainUnavailableError.ts'
import { byHealth, Node, verdictOf } from './Node.ts'
import { type Report, silent } from './Report.ts'

/** A node: its JSON-RPC address, or a way to it that somebody else made. */
export type Endpoint = string | Transport

/** The node or nodes behind one chain. */
export type Rpc = {
  /** Reads: asks the healthiest node, and the next when it fails. */
  read: PublicClient
  /** One client for each node, without any retry: what each of them said must be known. */
  nodes: readonly PublicClient[]
  /**
   * Chain id of each node; null for one that does not answer. That one is asked again before anything else it says
   * counts.
   * @throws {ChainUnavailableError} none answers.
   */
  identify(): Promise<(number | null)[]>
  /** Looks which nodes are behind. Never throws. */
  check(): Promise<void>
}

/** A node with this many blocks less than the best one is behind. */
const lag = 5n

/** Makes the clients. They keep nothing open when idle. */
export function createRpc(options: createRpc.Options): Rpc {
  const { chainId, endpoints, timeoutMs: timeout, pollingMs } = options
  const { clock = systemClock, report = silent } = options
  const chain: Chain = {
    id: chainId,
    name: `eip155:${chainId}`,
    nativeCurrency: { name: 'Coin', symbol: 'COIN', decimals: 18 },
    rpcUrls: { default: { http: endpoints.filter((endpoint) => typeof endpoint === 'string') } },
  }
  const nodes = endpoints.map((endpoint, index) => {
    const transport = typeof endpoint === 'string' ? http(endpoint, { timeout, retryCount: 0 }) : endpoint
    const { request: ask } = transport({ chain, retryCount: 0 })
    return new Node({ number: index + 1, chainId, ask })
  })
  const client = (request: EIP1193RequestFn): PublicClient =>
    createPublicClient({
      chain,
      pollingInterval: pollingMs,
      cacheTime: 0,
      transport: custom({ request }, { retryCount: 0 }),
    })
  const clients = nodes.map((node) => client(node.request))

  function heard(node: Node): void {
    if (node.answered() && nodes.length > 1) report('info', 'rpc-node-answers', { node: node.number })
  }
  function missed(node: Node): void {
    if (!node.failing && nodes.length > 1) report('warn', 'rpc-node-silent', { node: node.number })
    node.failed(clock.now())
  }

  const request = (async (question: Parameters<EIP1193RequestFn>[0]) => {
    let last: unknown
    const order = byHealth(nodes, clock.now())
    // A connection may have been closed while it was idle: the only node is asked twice.
    for (const node of order.length === 1 ? [...order, ...order] : order) {
      try {
        const answer = await node.request(question)
        heard(node)
        return answer
      } catch (error) {
        const verdict = verdictOf(error)
        if (verdict === 'silence') missed(node)
        else heard(node)
        if (verdict === 'answer' || (verdict === 'refusal' && order.length === 1)) throw error
        last = error
      }
    }
    throw last
  }) as EIP1193RequestFn

  return {
    read: client(request),
    nodes: clients,
    async identify() {
      const answers = await Promise.allSettled(clients.map((one) => one.getChainId()))
      for (const [index, node] of nodes.entries()) {
        node.doubted = answers[index]?.status === 'rejected'
        if (node.doubted) missed(node)
      }
      const [first] = answers
      if (first?.status === 'rejected' && answers.every(({ status }) => status === 'rejected'))
        throw new ChainUnavailableError('eth_chainId', first.reason)
      return answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : null))
    },
    async check() {
      if (nodes.length < 2) return
      const heads = await Promise.all(
        nodes.map(async (node) => {
          try {
            const head = hexToBigInt(await node.request({ method: 'eth_blockNumber' }))
            heard(node)
            return head
          } catch {
            missed(node)
            return null
          }
        }),
      )
      const best = heads.reduce<bigint>((most, head) => (head !== null && head > most ? head : most), 0n)
      for (const [index, node] of nodes.entries()) {
        const head = heads[index] ?? null
        if (head === null) continue
        const behind = head + lag < best
        if (behind && !node.behind) report('warn', 'rpc-node-behind', { node: node.number, head, best })
        node.behind = behind
      }
    },
  }
}

export declare namespace createRpc {
  type Options = {
    chainId: number
    endpoints: readonly Endpoint[]
    timeoutMs: number
    pollingMs: number
    /** The system's by default. */
    clock?: Clock
    report?: Report
  }
}
