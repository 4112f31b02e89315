import type { Hex } from 'viem'
import { silent } from '../chain/Report.ts'
import type { Reorg } from '../ledger/Reorg.ts'
import { tokenOf } from './payout.ts'
import { healCharge } from './reorg-charge.ts'
import { healClose } from './reorg-close.ts'
import type { ReorgContext } from './reorg-context.ts'
import { healDeposit } from './reorg-deposit.ts'
import { judgeAnchor } from './reorg-judge.ts'
import { healSettlements } from './reorg-settlement.ts'
import { healWithdrawal } from './reorg-withdrawal.ts'
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
  const { ledger, chain, fromBlock = 0n, report = silent } = options
  const { horizon = chain.confirmations * 2, everyMs = 4_000, limit = 5_000 } = options
  const { settleFirst = () => {}, close = async () => {} } = options
  const context: ReorgContext = { ...options, fromBlock, horizon, report, settleFirst, close }
  let ticking: Promise<ReorgGuard.Summary> | null = null

  /** Settlements of one channel are looked after together: each says how much more than the one before. */
  async function heal(group: Group): Promise<void> {
    const [anchor] = group
    if (anchor.kind === 'charge') return healCharge(context, anchor)
    if (anchor.kind === 'deposit') return healDeposit(context, anchor)
    if (anchor.kind === 'settle') return healSettlements(context, anchor.subject as Hex, group)
    if (anchor.kind === 'close') return healClose(context, anchor)
    return healWithdrawal(context, anchor)
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
      if (verdict === 'look') moved.push(anchor)
      if (verdict !== 'final') continue
      const said = await saidOfLarge(anchor)
      if (said === 'same') final.push({ id: anchor.id, state: 'final' })
      if (said === 'another') moved.push(anchor)
    }
    if (final.length > 0) await ledger.reorg.seen(final)
    await notice(moved.filter(({ state }) => state === 'standing'))
    // A top-up rests on the deposit before it, and a settlement on both: in the order of their blocks.
    for (const group of together(moved)) await attempt(group)
    for (const { wallet, asset } of await ledger.reorg.debts()) await ledger.reorg.collect(wallet, asset)
    return { watched: anchors.length, final: final.length, moved: moved.length }
  }

  /** What is large stops being watched only when two nodes show it where it was. */
  async function saidOfLarge(anchor: Reorg.Anchor): Promise<'same' | 'another' | 'nothing'> {
    const ask = chain.evidence(tokenOf(anchor), anchor.amount)
    if (anchor.state !== 'standing' || !ask.isAgreed) return 'same'
    const found = await ask.block(anchor.ref.block).catch(() => null)
    if (found === null) return 'nothing'
    return found.hash === anchor.ref.blockHash ? 'same' : 'another'
  }

  /** What else changed in those blocks is read again. Both are written down before anything is done about it. */
  async function notice(gone: readonly Reorg.Anchor[]): Promise<void> {
    const [first] = gone
    if (first === undefined) return
    report('error', 'reorganisation', { block: first.ref.block, movements: gone.length })
    const from = first.ref.block - BigInt(horizon)
    await ledger.reorg.readAgain(chain.id, from < fromBlock ? fromBlock : from)
    await ledger.reorg.seen(gone.map(({ id }) => ({ id, state: 'missing' })))
  }

  /** One that cannot be looked after now never keeps the others waiting. */
  async function attempt(group: Group): Promise<void> {
    const [anchor] = group
    try {
      await heal(group)
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

type Group = readonly [Reorg.Anchor, ...Reorg.Anchor[]]

/** One group for each anchor, but one for all settlements of a channel, where the first of them stands. Pure. */
function together(anchors: readonly Reorg.Anchor[]): Group[] {
  const groups = new Map<string, [Reorg.Anchor, ...Reorg.Anchor[]]>()
  for (const anchor of anchors) {
    const key = anchor.kind === 'settle' ? anchor.subject : `#${anchor.id}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [anchor])
    else group.push(anchor)
  }
  return [...groups.values()]
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

export declare namespace createReorgGuard {
  type Options = Pick<ReorgContext, 'ledger' | 'chain' | 'book' | 'desk' | 'clock'> & {
    report?: ReorgContext['report']
    /** Brings a channel to the chain now. */
    settleFirst?: ReorgContext['settleFirst']
    /** Closes a channel as its client asked. */
    close?: ReorgContext['close']
    /** Oldest block in which anything can be. Default 0. */
    fromBlock?: bigint
    /** Blocks after which what was booked is taken to stay. Default: twice what makes everything count. */
    horizon?: number
    /** Time between looks. Default 4,000. */
    everyMs?: number
    /** Most anchors looked at in one tick, oldest first. Default 5,000. */
    limit?: number
  }
}
