import type { Hex } from 'viem'
import * as Account from '../../Account.ts'
import * as Amount from '../../Amount.ts'
import type { Channel } from '../../Channel.ts'
import { AmountError } from '../../errors.ts'
import type { Ledger } from '../../Ledger.ts'
import { reserve } from '../accounts/reserve.ts'
import type { Books } from '../Books.ts'
import { capture } from '../payments/capture.ts'
import { insertPayment } from '../payments/write-claim.ts'
import { sql } from '../sql.ts'
import { bookVoucher } from './book-voucher.ts'
import { channelSettled } from './channel-settled.ts'
import { needChannel } from './find-channel.ts'
import { channelFinalized } from './follow-close.ts'

/** Where the books put what was earned in a history that they have lost. */
const route = 'restored'

const mark = sql<[reason: string | null, id: string]>`UPDATE channels SET suspended = ? WHERE id = ?`

/** Takes no more vouchers until an operator decides. A channel that is suspended keeps its first reason. */
export function suspendChannel(books: Books, id: Hex, reason: string): Channel {
  const channel = needChannel(books, id)
  if (channel.suspended !== null) return channel
  write(books, reason, channel)
  return needChannel(books, id)
}

/**
 * Books what the chain knows of a suspended channel and the books do not: what was settled had been spent, in calls that
 * nobody remembers. It is earned by `revenue:restored`, as one payment for each settlement. Then the channel goes on.
 */
export function acceptRestored(books: Books, request: Ledger.AcceptRestored): Channel {
  for (const { cumulative, ref } of request.settlements) {
    spendTo(books, needChannel(books, request.id), Amount.check(cumulative), request.now)
    channelSettled(books, { id: request.id, cumulative, ref, now: request.now })
  }
  if (request.finalized) channelFinalized(books, request.id)
  const channel = needChannel(books, request.id)
  if (channel.suspended !== null) write(books, null, channel)
  return needChannel(books, request.id)
}

function write(books: Books, suspended: string | null, { id }: Channel): void {
  books.run(mark, suspended, id)
  books.rows.channels.drop(id)
}

function spendTo(books: Books, channel: Channel, cumulative: bigint, now: number): void {
  const amount = cumulative - channel.spent
  if (amount <= 0n || cumulative <= channel.settled) return
  if (channel.reserved > 0n)
    throw new AmountError(channel.reserved, `of channel ${channel.id} is held by calls in flight. Try again`)
  const deposit = Amount.greater(channel.deposit, cumulative)
  const raised =
    cumulative > channel.accepted
      ? bookVoucher(books, { ...channel, deposit }, { cumulative, signature: null }, now)
      : channel
  const { id, payer, asset } = raised
  const account = Account.prepaid(id)
  reserve(books, account, asset, amount)
  const request = {
    id: `pay_restored_${id.slice(2, 18)}_${cumulative}`,
    key: `restored:${id}:${cumulative}`,
    fingerprint: route,
    dialect: 'mpp',
    wallet: payer,
    route,
    asset,
    amount,
    earns: Account.revenue(route),
    now,
    from: { rail: 'channel', channelId: id, cumulative, signature: '0x', minDelta: 0n, reusable: false },
  } as const
  const payment = insertPayment(books, request, { holds: [{ account, amount }] })
  capture(books, { paymentId: payment.id, amount, complete: true })
}
