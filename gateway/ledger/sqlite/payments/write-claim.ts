import { LedgerIntegrityError } from '../../errors.ts'
import type { Ledger } from '../../Ledger.ts'
import type { Payment } from '../../Payment.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'
import { removeAnswer } from './answers.ts'
import { addToFamily } from './family.ts'
import { needPayment } from './find-payment.ts'
import { type Hold, toText } from './Hold.ts'

const reclaim = sql<
  [
    rail: string,
    dialect: string,
    route: string,
    asset: string,
    amount: string,
    earns: string,
    channel: string | null,
    cumulative: string | null,
    settlement: string | null,
    atRisk: number,
    owner: string | null,
    holds: string,
    updatedAt: number,
    id: string,
  ]
>`
  UPDATE payments SET rail = ?, dialect = ?, route = ?, asset = ?, amount = ?, earns = ?, channel_id = ?,
    cumulative = ?, settlement = ?, at_risk = ?, owner = ?, holds = ?, updated_at = ?, delivery = 'held', money = 'held', tx = NULL,
    reason = NULL, bytes = NULL, whole = NULL
  WHERE id = ? AND delivery = 'void'`

/** Writes a new payment with what it holds, which is reserved. A voucher's key that is taken gets the next repeat: `<key>#1`, `<key>#2`. */
export function insertPayment(
  books: Books,
  request: Ledger.ClaimRequest,
  { repeat = 0, holds = [], atRisk = false }: { repeat?: number; holds?: Hold[]; atRisk?: boolean } = {},
): Payment {
  const { id, key, fingerprint, from } = request
  if (!books.rows.payments.isFree(id)) throw new LedgerIntegrityError(`payment "${id}" is there already`)
  const payment = fresh(request, key, repeat, atRisk, books.instance)
  books.rows.payments.add({ payment, family: key, repeat, holds, stored: false })
  books.writes++
  if (from.rail === 'channel' && from.reusable) addToFamily(books, key, repeat, fingerprint, id)
  return payment
}

/** A new payment as its row says it. */
function fresh(
  request: Ledger.ClaimRequest,
  family: string,
  repeat: number,
  atRisk: boolean,
  owner: string | null,
): Payment {
  const { id, fingerprint, dialect, wallet, route, asset, amount, earns, from, now } = request
  const channel = from.rail === 'channel' ? from : null
  return {
    id,
    key: keyOf(family, repeat),
    fingerprint,
    rail: from.rail,
    dialect,
    wallet,
    route,
    asset,
    amount,
    charged: 0n,
    earns,
    delivery: 'held',
    money: 'held',
    channelId: channel === null ? null : (channel.channelId.toLowerCase() as Payment['channelId']),
    cumulative: channel?.cumulative ?? null,
    transaction: null,
    settlement: from.rail === 'charge' ? from.settlement : null,
    delivered: null,
    atRisk,
    owner,
    reason: null,
    createdAt: now,
    updatedAt: now,
  }
}

function keyOf(family: string, repeat: number): string {
  return repeat === 0 ? family : `${family}#${repeat}`
}

/** Claims a void payment again: it keeps its id and key, everything else is as now asked. */
export function reclaimPayment(
  books: Books,
  payment: Payment,
  request: Ledger.ClaimRequest,
  { holds, atRisk }: { holds: Hold[]; atRisk: boolean },
): Payment {
  const changed = books.run(
    reclaim,
    request.from.rail,
    request.dialect,
    request.route,
    request.asset,
    String(request.amount),
    request.earns,
    ...details(request.from),
    Number(atRisk),
    books.instance,
    toText(holds),
    request.now,
    payment.id,
  )
  if (changed !== 1) throw new LedgerIntegrityError(`payment "${payment.id}" is not void`)
  removeAnswer(books, payment.id)
  books.rows.payments.drop(payment.id)
  return needPayment(books, payment.id)
}

function details(
  from: Ledger.ClaimRequest['from'],
): [channel: string | null, cumulative: string | null, settlement: string | null] {
  if (from.rail === 'charge') return [null, null, from.settlement]
  if (from.rail === 'balance') return [null, null, null]
  return [from.channelId.toLowerCase(), String(from.cumulative), null]
}
