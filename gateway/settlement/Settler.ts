import type { Address, Hex } from 'viem'
import type { Chain } from '../chain/Chain.ts'
import * as EscrowCalls from '../chain/EscrowCalls.ts'
import { isOurTrouble } from '../chain/our-trouble.ts'
import { type Report, silent } from '../chain/Report.ts'
import type { Clock } from '../clock.ts'
import type { AcceptedVoucher, Channel } from '../ledger/Channel.ts'
import type { Ledger } from '../ledger/Ledger.ts'
import { bisect } from './bisect.ts'
import type { ChannelBook } from './channel-book.ts'
import { type CloseOutcome, createClose } from './close.ts'
import { dueFrom, isDue, type Schedule } from './due.ts'
import { InFlight } from './InFlight.ts'
import { batches, type Plan, plan } from './plan.ts'
import { Quarantine } from './Quarantine.ts'
import { Rest } from './Rest.ts'
import { createTimer } from './timer.ts'

/** Brings vouchers to the chain: when a channel is due, when its payer leaves, and when the client closes it. */
export type Settler = {
  /**
   * Settles everything that is due now, and resolves when all of it is mined and booked, or known not to be. A channel
   * that is being settled already, here or by an intent of the ledger that has not ended, is left alone. With `only`,
   * looks at these channels alone, and takes them as due.
   */
  tick(only?: readonly Hex[]): Promise<Settler.Summary>
  /** Settles a channel, or all, as soon as can be. Returns at once; however often it is called, one at a time runs. */
  urge(channel: Hex | 'all'): void
  /** Closes a channel at its client's wish; see {@link CloseOutcome}. The voucher must have been verified. */
  close(channelId: Hex, voucher?: AcceptedVoucher): Promise<CloseOutcome>
  /** Channels whose voucher the escrow refused when last asked. */
  quarantined(): ReadonlyMap<Hex, Quarantine.Entry>
  /** Ticks every `everyMs`, until `stop`. */
  start(): void
  /** Stops ticking, and waits for the tick under way. */
  stop(): Promise<void>
}

export declare namespace Settler {
  /** How many channels: settled or closed; refused by the escrow; not known yet, or put off for a reason of ours. */
  type Summary = { settled: number; refused: number; unknown: number }
}

export function createSettler(options: createSettler.Options): Settler {
  const { ledger, chain, clock, schedule, book, report = silent } = options
  const { maxBatch = 50, everyMs = 30_000, checkSigner } = options
  const inFlight = new InFlight()
  const quarantine = new Quarantine()
  const rest = new Rest()
  const close = createClose({ ledger, chain, clock, book, inFlight, report })

  /** Reads a channel that nobody else is at work on, and decides. */
  async function prepare(id: Hex, urged: boolean): Promise<Plan | null> {
    const intents = await ledger.intentsFor(id)
    if (intents.some(({ state }) => state === 'intended' || state === 'sent')) return null
    const channel = await ledger.channel(id)
    const reason = channel === null ? null : isDue(channel, schedule, clock.now(), urged)
    if (channel === null || reason === null) return null
    await checkSigner?.(channel.signer).catch(() => {})
    const [spent, final] = await Promise.all([ledger.settleable(id), ledger.settleable(id, { final: true })])
    return plan(channel, reason, { spent, final })
  }

  async function act(group: readonly Plan[]): Promise<Settler.Summary> {
    const [first] = group
    if (first === undefined) return none
    const subjects = group.map(({ settlement }) => settlement.channelId)
    const data = callOf(group)
    const outcome = await chain.submit({ kind: first.action, subjects, to: chain.escrow, data })
    if (outcome.status === 'unknown') {
      report('warn', 'settlement-unknown', {
        transaction: outcome.hash,
        reason: outcome.reason,
        channels: subjects,
      })
      return { ...none, unknown: group.length }
    }
    if (outcome.status === 'succeeded') {
      await book.apply(outcome.mined)
      return judge(subjects, outcome.mined)
    }
    const { reason } = outcome
    if (group.length > 1 && (reason === 'gas-limit' || !isOurTrouble(reason))) return divide(group, reason)
    if (isOurTrouble(reason)) {
      report('warn', 'settlement-deferred', { reason, channels: subjects })
      return { ...none, unknown: group.length }
    }
    for (const id of subjects) await hold(id, reason)
    return { ...none, refused: group.length }
  }

  /** A batch failed as a whole: whoever makes it fail is held back, and the others are settled without them. */
  async function divide(group: readonly Plan[], reason: string): Promise<Settler.Summary> {
    const { good, bad } = await bisect(group, refusal)
    report('error', 'batch-bisected', { reason, channels: group.length, refused: bad.length })
    for (const { item, reason } of bad) await hold(item.settlement.channelId, reason)
    const total = { ...none, refused: bad.length }
    // One after the other: what each leaves in the escrow and in the payee's gas is what the next one has.
    for (const part of good) add(total, await act(part))
    return total
  }

  async function refusal(part: readonly Plan[]): Promise<string | null> {
    const answer = await chain.simulate({ to: chain.escrow, data: callOf(part) })
    if (answer.status === 'passes') return null
    if (isOurTrouble(answer.reason)) throw new Error(`The batch can't be tried now: ${answer.reason}.`)
    return answer.reason
  }

  /** The mined logs say which channels of a transaction were settled. */
  async function judge(subjects: readonly Hex[], mined: Chain.Mined): Promise<Settler.Summary> {
    const said = EscrowCalls.events(chain.escrow, mined.logs)
    const summary = { ...none }
    for (const id of subjects) {
      const about = said.filter(({ channelId }) => channelId.toLowerCase() === id)
      const skipped = about.find(({ name }) => name === 'skipped')
      if (about.some(({ name }) => name === 'settled' || name === 'closed')) {
        quarantine.clear(id)
        summary.settled += 1
      } else {
        await hold(id, skipped?.name === 'skipped' ? skipped.reason : 'no-settlement-in-the-logs')
        summary.refused += 1
      }
    }
    return summary
  }

  /** Where the payer asked to close, time runs out: it is tried again every half minute, whatever was refused. */
  async function hold(id: Hex, reason: string): Promise<void> {
    const closing = (await ledger.channel(id))?.closeRequestedAt != null
    const { failures, until } = quarantine.add(id, reason, clock.now(), closing ? 30_000 : undefined)
    report('error', 'channel-quarantined', { channel: id, reason, failures, until })
  }

  /** For the thresholds everything that is unsettled is looked at, so the more there is, the more seldom. */
  async function due(): Promise<Channel[]> {
    const from = clock.now()
    const byAmount = !rest.lasts(from)
    const found = await ledger.dueChannels(dueFrom(schedule, from, byAmount))
    if (byAmount) rest.after(from, clock.now())
    return found
  }

  async function listed(only: readonly Hex[] | undefined): Promise<Channel[]> {
    if (only === undefined) return due()
    return (await Promise.all(only.map((id) => ledger.channel(id)))).filter((channel) => channel !== null)
  }

  async function tick(only?: readonly Hex[] | 'all'): Promise<Settler.Summary> {
    const now = clock.now()
    const urged = only !== undefined
    const all = only === 'all' ? ledger.channels({ unsettled: true, finalized: false }) : listed(only)
    const candidates = (await all)
      .filter((channel) => channel.chainId === chain.id && channel.escrow === chain.escrow)
      .filter((channel) => isDue(channel, schedule, now, urged) !== null)
      .map(({ id }) => id)
      .filter((id) => !quarantine.isHeld(id, now) && inFlight.take(id))
    const held = new Set(candidates)
    const release = (ids: readonly Hex[]) => {
      for (const id of ids) if (held.delete(id)) inFlight.release(id)
    }
    try {
      const plans = (await Promise.all(candidates.map((id) => prepare(id, urged)))).filter(
        (made) => made !== null,
      )
      const wanted = new Set(plans.map(({ settlement }) => settlement.channelId))
      release(candidates.filter((id) => !wanted.has(id)))
      const closes = plans.filter(({ action }) => action === 'close').map((made) => [made])
      const settles = batches(
        plans.filter(({ action }) => action === 'settle'),
        maxBatch,
      )
      const acted = await Promise.allSettled(
        [...closes, ...settles].map((group) =>
          act(group).finally(() => release(group.map(({ settlement }) => settlement.channelId))),
        ),
      )
      return sum(acted, report)
    } finally {
      release(candidates)
    }
  }

  const wanted = new Set<Hex | 'all'>()
  let urging: Promise<void> | null = null

  async function settleWanted(): Promise<void> {
    while (wanted.size > 0) {
      const now = wanted.has('all') ? 'all' : [...wanted].filter((id) => id !== 'all')
      wanted.clear()
      await tick(now)
    }
  }

  function urge(channel: Hex | 'all'): void {
    wanted.add(channel)
    urging ??= settleWanted()
      .catch((error: unknown) =>
        report('error', 'settlement-failed', {
          error: error instanceof Error ? error.message : String(error),
        }),
      )
      .finally(() => {
        urging = null
      })
  }

  const timer = createTimer(
    everyMs,
    () => tick(),
    (error) =>
      report('error', 'settlement-failed', { error: error instanceof Error ? error.message : String(error) }),
  )
  return {
    tick,
    urge,
    close,
    quarantined: () => quarantine.entries(),
    start: timer.start,
    async stop() {
      await timer.stop()
      await urging
    },
  }
}

const none: Settler.Summary = { settled: 0, refused: 0, unknown: 0 }

function sum(results: readonly PromiseSettledResult<Settler.Summary>[], report: Report): Settler.Summary {
  const total = { ...none }
  for (const result of results) {
    if (result.status === 'rejected') {
      const { reason } = result as { reason: unknown }
      report('error', 'settlement-failed', {
        error: reason instanceof Error ? reason.message : String(reason),
      })
      continue
    }
    add(total, result.value)
  }
  return total
}

function add(total: Settler.Summary, more: Settler.Summary): void {
  total.settled += more.settled
  total.refused += more.refused
  total.unknown += more.unknown
}

/** One call to the escrow for all of them; they hold the same token. */
function callOf(group: readonly Plan[]): Hex {
  const [first] = group
  if (first === undefined) throw new Error('There is no call to settle nothing.')
  if (group.length > 1) {
    const settlements = group.map(({ settlement }) => settlement)
    return EscrowCalls.settleBatch(first.token, settlements)
  }
  return first.action === 'close' ? EscrowCalls.close(first.settlement) : EscrowCalls.settle(first.settlement)
}

export declare namespace createSettler {
  type Options = {
    ledger: Ledger
    chain: Chain
    clock: Clock
    schedule: Schedule
    book: ChannelBook
    report?: Report
    /** Told of each signer whose voucher is about to be settled. */
    checkSigner?: (signer: Address) => Promise<void>
    /** Most vouchers in one transaction. Default 50. */
    maxBatch?: number
    /** Time between ticks. Default 30,000. */
    everyMs?: number
  }
}
