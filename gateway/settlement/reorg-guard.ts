import type { Hex } from 'viem'
import { silent } from '../chain/Report.ts'
import type { Reorg } from '../ledger/Reorg.ts'
import { healCharge } from './reorg-charge.ts'
import { type ReorgContext, sentAgain, signedFor } from './reorg-context.ts'
import { healDeposit } from './reorg-deposit.ts'
import { judgeAnchor } from './reorg-judge.ts'
import { healSettlement } from './reorg-settlement.ts'
import { createTimer } from './timer.ts'

/**
 * Watches that what the books rely on stays on chain, until it is so deep that it will. One block is read for each block
 * that something was booked from; only when its hash is another one is anything looked at. See docs/reorganisations.md.
 */
export type ReorgGuard = {
  /** Looks once, and acts on what it finds. */
  tick(): Promise<ReorgGuard.Summary>
  start(): void
  /** Stops, and waits for the tick under way. */
  stop(): Promise<void>
}

export declare namespace ReorgGuard {
  /** Anchors that are watched, that became final, and that were not where they had been. */
  type Summary = { watched: number; final: number; moved: number }
}

export function createReorgGuard(options: createReorgGuard.Options): ReorgGuard {
  const { ledger, chain, fromBlock = 0n, report = silent, rewind } = options
  const { horizon = chain.confirmations * 2, everyMs = 4_000, limit = 5_000 } = options
  const context: ReorgContext = { ...options, fromBlock, report }
  let ticking: Promise<ReorgGuard.Summary> | null = null

  async function heal(anchor: Reorg.Anchor): Promise<void> {
    if (anchor.kind === 'charge') return healCharge(context, anchor)
    if (anchor.kind === 'deposit') return healDeposit(context, anchor)
    if (anchor.kind === 'settle') return healSettlement(context, anchor)
    return healWithdrawal(anchor)
  }

  /** A payout is signed money: the very same transaction is sent again and never another one. */
  async function healWithdrawal(anchor: Reorg.Anchor): Promise<void> {
    const mined = await chain.receipt(anchor.ref.transaction)
    const [log] = mined?.status === 'succeeded' ? mined.logs : []
    if (mined !== null && log?.blockHash != null) {
      const place = { block: mined.block, blockHash: log.blockHash, logIndex: anchor.ref.logIndex }
      await ledger.reorg.seen([{ id: anchor.id, state: 'standing', place }])
      return
    }
    const signed = await signedFor(context, anchor)
    if (signed !== null && mined === null && (await sentAgain(context, signed.raw))) return
    report('error', 'payout-missing', { withdrawal: anchor.subject, transaction: anchor.ref.transaction })
  }

  async function tick(): Promise<ReorgGuard.Summary> {
    const { number: head } = await chain.head()
    const anchors = await ledger.reorg.anchors(chain.id, limit)
    const hashes = new Map<bigint, Promise<Hex | null>>()
    const hashOf = (block: bigint) => {
      const known = hashes.get(block) ?? chain.block(block).then((found) => found?.hash ?? null)
      hashes.set(block, known)
      return known
    }
    const final: Reorg.Seen[] = []
    const moved: Reorg.Anchor[] = []
    for (const anchor of anchors) {
      const verdict = judgeAnchor(anchor, { head, hash: await hashOf(anchor.ref.block) }, horizon)
      if (verdict === 'final') final.push({ id: anchor.id, state: 'final' })
      if (verdict === 'look') moved.push(anchor)
    }
    if (final.length > 0) await ledger.reorg.seen(final)
    await notice(moved.filter(({ state }) => state === 'standing'))
    // A top-up rests on the deposit before it, and a settlement on both: in the order of their blocks.
    for (const anchor of moved) await attempt(anchor)
    for (const { wallet, asset } of await ledger.reorg.debts()) await ledger.reorg.collect(wallet, asset)
    return { watched: anchors.length, final: final.length, moved: moved.length }
  }

  /** Written down before anything is done about it; what else changed in those blocks is read again. */
  async function notice(gone: readonly Reorg.Anchor[]): Promise<void> {
    const [first] = gone
    if (first === undefined) return
    report('error', 'reorganisation', { block: first.ref.block, movements: gone.length })
    await ledger.reorg.seen(gone.map(({ id }) => ({ id, state: 'missing' })))
    const from = first.ref.block - BigInt(horizon)
    await rewind?.(from < fromBlock ? fromBlock : from)
  }

  /** One that cannot be looked after now never keeps the others waiting. */
  async function attempt(anchor: Reorg.Anchor): Promise<void> {
    try {
      await heal(anchor)
    } catch (error) {
      const about = { kind: anchor.kind, subject: anchor.subject, transaction: anchor.ref.transaction }
      report('warn', 'reorg-failed', { ...about, error: messageOf(error) })
    }
  }

  const once = () => {
    ticking ??= tick().finally(() => {
      ticking = null
    })
    return ticking
  }
  const timer = createTimer(everyMs, once, (error) =>
    report('warn', 'reorg-watch-failed', { error: messageOf(error) }),
  )
  return { tick: once, start: timer.start, stop: timer.stop }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

export declare namespace createReorgGuard {
  type Options = Pick<ReorgContext, 'ledger' | 'chain' | 'book' | 'desk'> & {
    report?: ReorgContext['report']
    /** Oldest block in which anything can be. Default 0. */
    fromBlock?: bigint
    /** Blocks after which what was booked is taken to stay. Default: twice what makes everything count. */
    horizon?: number
    /** Told from which block on the chain must be read again. */
    rewind?: (from: bigint) => Promise<void>
    /** Time between looks. Default 4,000. */
    everyMs?: number
    /** Most anchors looked at in one tick, oldest first. Default 5,000. */
    limit?: number
  }
}
