import { setTimeout as sleep } from 'node:timers/promises'
import { type Hex, TransactionNotFoundError } from 'viem'
import type { Clock } from '../clock.ts'
import type { Ledger } from '../ledger/Ledger.ts'
import { broadcast } from './broadcast.ts'
import type { Chain } from './Chain.ts'
import { asking, ChainUnavailableError } from './ChainUnavailableError.ts'
import { decodeRevert } from './decode-revert.ts'
import type { Rpc } from './rpc.ts'

/** Follows signed and recorded transactions to their end, and records it. */
export type Follower = {
  /** Asks once; see {@link Chain.follow}. */
  follow(intent: Ledger.Intent): Promise<Chain.Fate>
  /** Asks until the end is known or the time is over (`pending`). Failures of the node only cost time. */
  wait(intent: Ledger.Intent, timeoutMs: number, confirmations?: number): Promise<Chain.Fate>
  /** True when a node knows a transaction, mined or not. */
  isKnown(hash: Hex): Promise<boolean>
  close(): void
}

export function createFollower(options: createFollower.Options): Follower {
  const { rpc, ledger, clock, confirmations, pollingMs, readMined, evidence } = options
  const closing = new AbortController()

  async function end(intent: Ledger.Intent, fate: Exclude<Chain.Fate, { status: 'pending' }>) {
    const reason = fate.status === 'succeeded' ? {} : { reason: fate.reason }
    const hash = fate.status === 'dropped' ? {} : { hash: fate.mined.hash }
    await ledger.updateIntent(intent.id, { state: fate.status, ...reason, ...hash, now: clock.now() })
    return fate
  }

  /** Everything that was signed for an intent, newest first: the books know more than whoever holds an old copy of it. */
  async function signed(intent: Ledger.Intent): Promise<readonly Pick<Ledger.Attempt, 'raw' | 'hash'>[]> {
    const attempts = await ledger.attempts(intent.id)
    return attempts.length === 0 ? [intent] : attempts.reverse()
  }

  /** The receipt decides, of whichever attempt. Null when there is none. */
  async function mined(
    intent: Ledger.Intent,
    depth = confirmations,
    read: Chain['receipt'] = readMined,
  ): Promise<Chain.Fate | null> {
    let receipt: Chain.Mined | null = null
    for (const { hash } of await signed(intent)) receipt ??= await read(hash)
    if (receipt === null) return null
    if (receipt.depth < depth) return { status: 'pending' }
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

  async function isKnown(hash: Hex): Promise<boolean> {
    return asking('eth_getTransactionByHash', async () => {
      try {
        await rpc.read.getTransaction({ hash })
        return true
      } catch (error) {
        if (error instanceof TransactionNotFoundError) return false
        throw error
      }
    })
  }

  /** True when the chain has another transaction with this nonce, so deep that ours can never be mined. */
  async function isOverrun(intent: Ledger.Intent): Promise<boolean> {
    const deep = (await evidence.head()).number - BigInt(confirmations) + 1n
    return deep >= 0n && (await evidence.sent(intent.from, deep)) > intent.nonce
  }

  async function follow(intent: Ledger.Intent, depth = confirmations): Promise<Chain.Fate> {
    const fate = await mined(intent, depth)
    if (fate !== null) return fate
    if (await isOverrun(intent)) {
      // It may have been mined between the two questions, and its receipt may lag behind its block, or be kept from us.
      const late = await mined(intent, depth, evidence.receipt)
      if (late !== null) return late
      for (const { hash } of await signed(intent)) if (await isKnown(hash)) return { status: 'pending' }
      return end(intent, { status: 'dropped', reason: 'nonce-used-by-another' })
    }
    const [newest, ...older] = await signed(intent)
    if (newest === undefined || (await isKnown(newest.hash))) return { status: 'pending' }
    // An older one only where no node takes the newest: any of them is as good.
    for (const { raw } of [newest, ...older]) {
      const { result } = await broadcast(rpc, raw)
      if (result !== 'accepted') continue
      if (intent.state === 'intended')
        await ledger.updateIntent(intent.id, { state: 'sent', now: clock.now() })
      break
    }
    return { status: 'pending' }
  }

  async function wait(intent: Ledger.Intent, timeoutMs: number, depth?: number): Promise<Chain.Fate> {
    const deadline = AbortSignal.any([closing.signal, AbortSignal.timeout(timeoutMs)])
    for (let round = 0; ; round += 1) {
      try {
        // Most of the time the receipt is all there is to ask; now and then whether a node still has it.
        const fate = round % 10 === 9 ? await follow(intent, depth) : await mined(intent, depth)
        if (fate !== null && fate.status !== 'pending') return fate
      } catch (error) {
        if (!(error instanceof ChainUnavailableError)) throw error
      }
      if (deadline.aborted) return { status: 'pending' }
      await sleep(pollingMs, undefined, { signal: deadline }).catch(() => {})
    }
  }

  return { follow: (intent) => follow(intent), wait, isKnown, close: () => closing.abort() }
}

export declare namespace createFollower {
  type Options = {
    rpc: Rpc
    ledger: Pick<Ledger, 'updateIntent' | 'attempts'>
    /** The mined receipt of a transaction, or null. */
    readMined(hash: Hex): Promise<Chain.Mined | null>
    /** What "it can never be mined" rests on. */
    evidence: Pick<Chain.Evidence, 'head' | 'sent' | 'receipt'>
    clock: Clock
    confirmations: number
    pollingMs: number
  }
}
