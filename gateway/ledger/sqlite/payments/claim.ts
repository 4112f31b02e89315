import * as Account from '../../Account.ts'
import * as Amount from '../../Amount.ts'
import { available, type Channel } from '../../Channel.ts'
import { AmountError, ChannelMismatchError } from '../../errors.ts'
import type { Ledger } from '../../Ledger.ts'
import type { Payment } from '../../Payment.ts'
import { onceKey } from '../../payment-id.ts'
import { judgeExposure } from '../../rules/judge-exposure.ts'
import { readAccount } from '../accounts/read-account.ts'
import { reserve } from '../accounts/reserve.ts'
import type { Books } from '../Books.ts'
import { acceptVoucher } from '../channels/accept-voucher.ts'
import { findChannel } from '../channels/find-channel.ts'
import { unsettledInAll } from '../exposure/unsettled.ts'
import { debts } from '../reorg/debt.ts'
import { isWithinBudget } from './at-risk.ts'
import { latestOf, nextRepeat } from './family.ts'
import { findPayment } from './find-payment.ts'
import { insertPayment, reclaimPayment } from './write-claim.ts'

/**
 * Claims a payment key and reserves the amount. The order is the rule: a key that was used answers first, then a
 * voucher is accepted (and stays so, even when it is not enough), then the amount is held, then the row is written.
 */
export function claim(books: Books, asked: Ledger.ClaimRequest): Ledger.ClaimResult {
  const request = normalise(asked)
  const { from } = request
  const reusable = from.rail === 'channel' && from.reusable
  const first = isNew(books, request)
  const earlier = first
    ? null
    : reusable
      ? latestOf(books, request.key, request.fingerprint)
      : findPayment(books, { key: request.key })
  if (earlier !== null && !isSameCall(earlier, request)) return { outcome: 'conflict', payment: earlier }
  const replay = earlier !== null && earlier.delivery !== 'void' ? earlier : null
  if (replay !== null && !reusable) return replayed(books, replay)

  const owed = request.earns === Account.wallet(request.wallet) ? [] : debts(books, request.wallet)
  if (owed.length > 0 && replay === null) return { outcome: 'in-debt', owed }
  const funds = fund(books, request)
  if (funds.refusal !== null) {
    // A voucher with value left is no replay: its next call only has to wait.
    const waits = funds.refusal.outcome === 'exposed'
    return replay === null || waits ? funds.refusal : replayed(books, replay)
  }

  const atRisk = request.budget !== undefined && isWithinBudget(books, request, request.budget)
  const { account } = funds
  const { asset, amount } = request
  const holds = account === null || amount === 0n ? [] : [{ account, amount }]
  if (account !== null) reserve(books, account, asset, amount)
  const payment =
    earlier !== null && replay === null
      ? reclaimPayment(books, earlier, request, { holds, atRisk })
      : insertPayment(books, request, {
          repeat: reusable && !first ? nextRepeat(books, request.key) : 0,
          holds,
          atRisk,
        })
  return { outcome: 'fresh', payment, channel: channelOf(books, payment) }
}

/**
 * A key that is the payment's own names nothing that is there already, and a voucher above all that was accepted has paid for
 * nothing yet: nobody has to look.
 */
function isNew(books: Books, { id, from, key }: Ledger.ClaimRequest): boolean {
  if (key === onceKey(id)) return true
  if (from.rail !== 'channel' || !from.reusable || key !== voucherKey(from)) return false
  const channel = findChannel(books, from.channelId)
  return channel !== null && from.cumulative > channel.accepted
}

function voucherKey({ channelId, cumulative }: { channelId: string; cumulative: bigint }): string {
  return `voucher:${channelId}:${cumulative}`
}

/** Where the amount is held (nowhere on the charge rail), or why it can't be. */
function fund(books: Books, request: Ledger.ClaimRequest): Funds {
  const { from, asset, amount } = request
  if (from.rail === 'charge') return { account: null, refusal: null }
  if (from.rail === 'balance') {
    const account = Account.wallet(request.wallet)
    const { posted, pending } = readAccount(books, account, asset)
    if (posted - pending >= amount) return { account, refusal: null }
    const refusal = {
      outcome: 'insufficient',
      available: posted - pending,
      needed: amount,
      channel: null,
    } as const
    return { account, refusal }
  }
  const account = Account.prepaid(from.channelId)
  const result = acceptVoucher(books, { ...from, now: request.now })
  if (result.outcome !== 'accepted' && result.outcome !== 'replayed') return { account, refusal: result }
  const { channel } = result
  if (channel.asset !== asset) throw new ChannelMismatchError(channel.id, 'asset', asset, channel.asset)
  const left = available(channel)
  if (left < amount)
    return { account, refusal: { outcome: 'insufficient', available: left, needed: amount, channel } }
  if (from.caps === undefined) return { account, refusal: null }
  const unsettled = {
    channel: channel.spent + channel.reserved - channel.settled,
    total: unsettledInAll(books, asset),
  }
  const exposed = judgeExposure(unsettled, amount, from.caps)
  return { account, refusal: exposed === null ? null : { outcome: 'exposed', ...exposed, channel } }
}

type Funds = { account: Account.Account | null; refusal: Ledger.ClaimResult | null }

/** One wallet has one name. What could never be booked is refused before anything is. */
function normalise(asked: Ledger.ClaimRequest): Ledger.ClaimRequest {
  Amount.check(asked.amount)
  const request = {
    ...asked,
    wallet: asked.wallet.toLowerCase() as Payment['wallet'],
    asset: asked.asset.toLowerCase() as Payment['asset'],
    earns: Account.sameName(asked.earns),
  }
  if (!Account.canEarn(request.earns))
    throw new AmountError(request.amount, `cannot be earned by account "${request.earns}"`)
  if (request.from.rail === 'balance' && request.earns === Account.wallet(request.wallet))
    throw new AmountError(request.amount, `cannot move from account "${request.earns}" to itself`)
  return request
}

function isSameCall(earlier: Payment, request: Ledger.ClaimRequest): boolean {
  return earlier.fingerprint === request.fingerprint && earlier.wallet === request.wallet
}

function replayed(books: Books, payment: Payment): Ledger.ClaimResult {
  return { outcome: 'replayed', payment, channel: channelOf(books, payment) }
}

function channelOf(books: Books, payment: Payment): Channel | null {
  return payment.channelId === null ? null : findChannel(books, payment.channelId)
}
