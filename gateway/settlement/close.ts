import type { Hex } from 'viem'
import type { Chain } from '../chain/Chain.ts'
import * as EscrowCalls from '../chain/EscrowCalls.ts'
import type { Report } from '../chain/Report.ts'
import { type Clock, unixSeconds } from '../clock.ts'
import type { AcceptedVoucher, Channel } from '../ledger/Channel.ts'
import type { Ledger } from '../ledger/Ledger.ts'
import type { ChannelBook } from './channel-book.ts'
import type { InFlight } from './InFlight.ts'
import { finalSettlement } from './plan.ts'

/** What came of a close. `closed` is mined, at depth and booked. */
export type CloseOutcome =
  | { status: 'closed'; transaction: Hex }
  /** It is not closed, and nothing was sent that could close it. */
  | { status: 'refused'; reason: string }
  /** It may be closed: the resolver asks until it is known. */
  | { status: 'unknown'; transaction: Hex | null; reason: string }

/**
 * Makes the cooperative close. First, in one step, the channel stops taking calls (the books count it as asked to close) and
 * its payer's last voucher is kept; then what was spent is final, and the lowest voucher that covers it is brought to the
 * escrow, which refunds the rest. When this process dies in between, the settler goes on with the same vouchers.
 */
export function createClose(options: {
  ledger: Ledger
  chain: Chain
  clock: Clock
  book: ChannelBook
  inFlight: InFlight
  report: Report
}): (channelId: Hex, voucher?: AcceptedVoucher) => Promise<CloseOutcome> {
  const { ledger, chain, clock, book, inFlight, report } = options
  const underWay = (transaction: Hex | null): CloseOutcome => ({
    status: 'unknown',
    transaction,
    reason: 'another transaction is under way',
  })

  async function close(id: Hex, given: AcceptedVoucher | null): Promise<CloseOutcome> {
    const before = await ledger.channel(id)
    if (before === null) return { status: 'refused', reason: 'channel-not-found' }
    if (before.suspended !== null) return { status: 'refused', reason: 'channel-suspended' }
    const intents = await ledger.intentsFor(id)
    if (before.finalized) {
      const done = intents.findLast(({ kind, state }) => kind === 'close' && state === 'succeeded')
      if (done !== undefined) return { status: 'closed', transaction: done.hash }
      return { status: 'refused', reason: 'channel-finalized' }
    }
    const open = intents.findLast(({ state }) => state === 'intended' || state === 'sent')
    if (open !== undefined) return underWay(open.hash)
    const begun = await ledger.beginClose({ id, at: unixSeconds(clock), voucher: given })
    if (begun.outcome !== 'begun') return { status: 'refused', reason: begun.outcome }
    return send(begun.channel, given)
  }

  async function send(channel: Channel, given: AcceptedVoucher | null): Promise<CloseOutcome> {
    const settlement = finalSettlement(channel, [given, await ledger.settleable(channel.id, { final: true })])
    const outcome = await chain.submit({
      kind: 'close',
      subjects: [channel.id],
      to: chain.escrow,
      data: EscrowCalls.close(settlement),
      confirmations: chain.depth(channel.token, channel.deposit),
    })
    if (outcome.status === 'unknown')
      return { status: 'unknown', transaction: outcome.hash, reason: outcome.reason }
    if (outcome.status === 'rejected' && outcome.reason === 'under-way') return underWay(null)
    if (outcome.status !== 'succeeded') {
      report('error', 'close-refused', { channel: channel.id, reason: outcome.reason })
      return { status: 'refused', reason: outcome.reason }
    }
    await book.apply(outcome.mined)
    const closed = EscrowCalls.events(chain.escrow, outcome.mined.logs).some(
      ({ name, channelId }) => name === 'closed' && channelId.toLowerCase() === channel.id,
    )
    return closed
      ? { status: 'closed', transaction: outcome.mined.hash }
      : { status: 'refused', reason: 'no-close-in-the-logs' }
  }

  return async (channelId, voucher) => {
    const id = channelId.toLowerCase() as Hex
    await inFlight.wait(id)
    book.closing.add(id)
    let outcome: CloseOutcome | null = null
    try {
      outcome = await close(id, voucher ?? null)
      return outcome
    } finally {
      book.closing.delete(id)
      inFlight.release(id)
      // Still open: whether it takes calls again is for the escrow to say.
      if (outcome?.status === 'refused') await book.syncClose(id).catch(() => null)
    }
  }
}
