import {
  custom,
  type Hex,
  HttpRequestError,
  hexToBigInt,
  numberToHex,
  RpcRequestError,
  TimeoutError,
  type Transport,
} from 'viem'
import type { Instance } from './Instance.ts'
import type { SimulatedChain } from './SimulatedChain.ts'
import type { World } from './World.ts'

const url = 'http://node.test'
/** What a question may take: as `http` would wait. */
const timeoutMs = 10_000

/**
 * The way from one gateway process to one node: slow, lossy, and behind at times. A node that lags does so as one that is
 * some blocks behind would, never by more than what is deep enough to count.
 */
export function nodeTransport(world: World, instance: Instance, index: number): Transport {
  const random = world.random.fork(`node ${index} of ${instance.name}`)
  let lag = 0n
  let lagUntil = 0

  async function ask(method: string, params: readonly unknown[]): Promise<unknown> {
    const { swarm } = world
    if (world.scheduler.now() >= lagUntil) {
      const most = Math.min(swarm.confirmations - 1, 3)
      lag = random.chance(swarm.lag) && most > 0 ? BigInt(random.between(1, most)) : 0n
      if (lag > 0n) world.faults.add('node lagged')
      lagUntil = world.scheduler.now() + random.between(5_000, 120_000)
    }
    if (method === 'eth_sendRawTransaction') world.noteSent(params[0] as Hex)
    return asLagging(world.chain, lag, method, params)
  }

  async function request({ method, params = [] }: { method: string; params?: unknown }): Promise<unknown> {
    const given = params as readonly unknown[]
    const { swarm, faults } = world
    const send = method === 'eth_sendRawTransaction'
    const kind = send ? 'rpc-send' : 'rpc-read'
    const body = { method, params: send ? ['…'] : given }
    if (random.chance(swarm.rpcError))
      return instance.at(kind, random.between(1, swarm.rpcSlowMs), () => {
        faults.add('node refused')
        throw new HttpRequestError({ url, body, details: 'connection refused' })
      })
    if (random.chance(swarm.rpcTimeout)) {
      // Lost on the way there, or on the way back: nobody can tell.
      const arrives = random.chance(0.5)
      if (arrives)
        world.scheduler.after(random.between(10, 60_000), async () => {
          if (send) world.journal.say(`${instance.name} late ${labelOf(method, given)}`)
          await ask(method, given).catch(() => null)
        })
      return instance.at(kind, timeoutMs, () => {
        faults.add('node timed out')
        throw new TimeoutError({ url, body })
      })
    }
    return instance.at(kind, random.between(1, swarm.rpcSlowMs), async () => {
      if (send && random.chance(swarm.forgotten)) {
        faults.add('node forgot a transaction')
        world.journal.say(`${instance.name} forgotten ${labelOf(method, given)}`)
        return world.hashOf(given[0] as Hex)
      }
      if (method === 'eth_getTransactionReceipt' && random.chance(swarm.receiptHidden)) {
        faults.add('node hid a receipt')
        return null
      }
      const answer = await ask(method, given).catch((error: unknown) => {
        if (send) world.journal.say(`${instance.name} refused ${labelOf(method, given)}: ${textOf(error)}`)
        throw asRpcError(error, body)
      })
      if (send) world.journal.say(`${instance.name} sent ${labelOf(method, given)}`)
      if (random.chance(send ? swarm.rpcLostAnswer : swarm.rpcLostAnswer / 10)) {
        faults.add('node lost its answer')
        throw new HttpRequestError({ url, body, details: 'connection reset' })
      }
      return answer
    })
  }

  const labelOf = (method: string, params: readonly unknown[]) =>
    method === 'eth_sendRawTransaction' ? world.hashOf(params[0] as Hex).slice(0, 12) : method
  return custom({ request }, { retryCount: 0 })
}

/** What a node answers that has not heard of the newest blocks. */
async function asLagging(
  chain: SimulatedChain,
  lag: bigint,
  method: string,
  params: readonly unknown[],
): Promise<unknown> {
  if (lag === 0n) return chain.request(method, params)
  const head = hexToBigInt((await chain.request('eth_blockNumber', [])) as Hex)
  const seen = head > lag ? head - lag : 0n
  const block = (tag: unknown) =>
    typeof tag === 'string' && tag.startsWith('0x')
      ? hexToBigInt(tag as Hex) > seen
        ? null
        : tag
      : numberToHex(seen)
  switch (method) {
    case 'eth_blockNumber':
      return numberToHex(seen)
    case 'eth_getBlockByNumber': {
      const number = block(params[0])
      return number === null ? null : chain.request(method, [number, params[1]])
    }
    case 'eth_call':
    case 'eth_getBalance':
    case 'eth_getCode':
    case 'eth_getTransactionCount': {
      const number = block(params[1])
      if (number === null) throw Object.assign(new Error('header not found'), { code: -32000 })
      return chain.request(method, [params[0], number])
    }
    case 'eth_getTransactionReceipt': {
      const receipt = (await chain.request(method, params)) as { blockNumber: Hex } | null
      return receipt === null || hexToBigInt(receipt.blockNumber) > seen ? null : receipt
    }
    case 'eth_getLogs': {
      const [filter] = params as [{ fromBlock: Hex; toBlock: Hex }]
      if (hexToBigInt(filter.fromBlock) > seen) return []
      const to = hexToBigInt(filter.toBlock) > seen ? numberToHex(seen) : filter.toBlock
      return chain.request(method, [{ ...filter, toBlock: to }])
    }
    default:
      return chain.request(method, params)
  }
}

const textOf = (error: unknown) => (error instanceof Error ? error.message.slice(0, 100) : String(error))

/** As a node says it over HTTP. */
function asRpcError(error: unknown, body: { method: string }): RpcRequestError {
  const { code = -32603, data } = error as { code?: number; data?: unknown }
  return new RpcRequestError({ body, url, error: { code, message: textOf(error), data } })
}
