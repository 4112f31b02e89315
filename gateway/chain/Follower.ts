import { setTimeout as sleep } from 'node:timers/promises'
import { TransactionNotFoundError } from 'viem'
import type { Clock } from '../clock.ts'
import type { Ledger } from '../ledger/Ledger.ts'
import { broadcast } from './broadcast.ts'
import type { Chain } from './Chain.ts'
import { asking, ChainUnavailableError } from './ChainUnavailableError.ts'
import { decodeRevert } from './decode-revert.ts'
import { readReceipt } from './receipt.ts'
import type { Rpc } from './rpc.ts'

/** Follows signed and recorded transactions to their end, and records it. */
export type Follower = {
  /** Asks once; see {@link Chain.follow}. */
  follow(intent: Ledger.Intent): Promise<Chain.Fate>
  /** Asks until the end is known or the time is over (`pending`). Failures of the node only cost time. */
  wait(intent: Ledger.Intent, timeoutMs: number): Promise<Chain.Fate>
  /** True when a node knows this very transaction, mined or not. */
  isKnown(intent: Ledger.Intent): Promise<boolean>
  close(): void
}

export function createFollower(options: createFollower.Options): Follower {
  const { rpc, ledger, clock, confirmations, pollingMs } = options
  const closing = new AbortController()

  async function end(intent: Ledger.Intent, fate: Exclude<Chain.Fate, { status: 'pending' }>) {
    const reason = fate.status === 'succeeded' ? {} : { reason: fate.reason }
    await ledger.updateIntent(intent.id, { state: fate.status, ...reason, now: clock.now() })
    return fate
  }

  /** The receipt decides. Null when there is none. */
  async function mined(intent: Ledger.Intent): Promise<Chain.Fate | null> {
    const receipt = await readReceipt(rpc.read, intent.hash)
    if (receipt === null) return null
    if (receipt.depth < confirmations) return { status: 'pending' }
    if (receipt.status === 'succeeded') return end(intent, { status: 'succeeded', mined: receipt })
    return end(intent, { status: 'reverted', mined: receipt, reason: await reasonOf(receipt) })
  }

  /** Why a mined transaction was reverted: played again on the state after its block, then on the one before. */
  async function reasonOf(receipt: Chain.Mined): Promise<string> {
    for (const blockNumber of [receipt.block, receipt.block - 1n]) {
      try {
        const { from, to, input, gas } = await rpc.read.getTransaction({ hash: receipt.hash })
        await rpc.read.call({ account: from, to, data: input, gas, blockNumber })
      } catch (error) {
        const reason = decodeRevert(error)
        if (reason !== null) return reason
      }
    }
    return 'execution-reverted'
  }

  async function isKnown(intent: Ledger.Intent): Promise<boolean> {
    return asking('eth_getTransactionByHash', async () => {
      try {
        await rpc.read.getTransaction({ hash: intent.hash })
        return true
      } catch (error) {
        if (error instanceof TransactionNotFoundError) return false
        throw error
      }
    })
  }

  /** True when the chain has another transaction with this nonce, so deep that ours can never be mined. */
  async function isOverrun(intent: Ledger.Intent): Promise<boolean> {
    const head = await asking('eth_blockNumber', () => rpc.read.getBlockNumber())
    const blockNumber = head - BigInt(confirmations) + 1n
    if (blockNumber < 0n) return false
    const count = await asking('eth_getTransactionCount', () =>
      rpc.read.getTransactionCount({ address: intent.from, blockNumber }),
    )
    return count > intent.nonce
  }

  async function follow(intent: Ledger.Intent): Promise<Chain.Fate> {
    const fate = await mined(intent)
    if (fate !== null) return fate
    if (await isOverrun(intent))
      // It may have been mined between the two questions.
      return (await mined(intent)) ?? end(intent, { status: 'dropped', reason: 'nonce-used-by-another' })
    if (await isKnown(intent)) return { status: 'pending' }
    const { result } = await broadcast(rpc, intent.raw)
    if (result === 'accepted' && intent.state === 'intended')
      await ledger.updateIntent(intent.id, { state: 'sent', now: clock.now() })
    return { status: 'pending' }
  }

  async function wait(intent: Ledger.Intent, timeoutMs: number): Promise<Chain.Fate> {
    const deadline = AbortSignal.any([closing.signal, AbortSignal.timeout(timeoutMs)])
    for (let round = 0; ; round += 1) {
      try {
        // Most of the time the receipt is all there is to ask; now and then whether a node still has it.
        const fate = round % 10 === 9 ? await follow(intent) : await mined(intent)
        if (fate !== null && fate.status !== 'pending') return fate
      } catch (error) {
        if (!(error instanceof ChainUnavailableError)) throw error
      }
      if (deadline.aborted) return { status: 'pending' }
      await sleep(pollingMs, undefined, { signal: deadline }).catch(() => {})
    }
  }

  return { follow, wait, isKnown, close: () => closing.abort() }
}

export declare namespace createFollower {
  type Options = {
    rpc: Rpc
    ledger: Pick<Ledger, 'updateIntent'>
    clock: Clock
    confirmations: number
    pollingMs: number
  }
}
