import type { Address, Hex } from 'viem'
import type { Account } from '../../Account.ts'
import type { Asset } from '../../Asset.ts'
import { PaymentNotFoundError } from '../../errors.ts'
import type { DeliveryState, Dialect, MoneyState, Payment, Rail } from '../../Payment.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'

export type PaymentRow = {
  id: string
  key: string
  fingerprint: string
  rail: Rail
  dialect: Dialect
  wallet: Address
  route: string
  asset: Asset
  amount: string
  charged: string
  earns: Account
  delivery: DeliveryState
  money: MoneyState
  channel_id: Hex | null
  cumulative: string | null
  tx: Hex | null
  settlement: string | null
  bytes: number | null
  whole: number | null
  at_risk: number
  reversed: number
  owner: string | null
  reason: string | null
  created_at: number
  updated_at: number
}

const byId = sql<[string], PaymentRow>`SELECT * FROM payments WHERE id = ?`
const byKey = sql<[family: string, repeat: number], PaymentRow>`
  SELECT * FROM payments WHERE family = ? AND repeat = ?`
const byTransaction = sql<[string], PaymentRow>`
  SELECT * FROM payments WHERE tx = ? ORDER BY created_at, id LIMIT 1`
const byTransactionOf = sql<[transaction: string, wallet: string], PaymentRow>`
  SELECT * FROM payments WHERE tx = ? AND wallet = ? ORDER BY created_at, id LIMIT 1`
const byCall = sql<[family: string, fingerprint: string], PaymentRow>`
  SELECT * FROM payments WHERE family = ? AND fingerprint = ? AND repeat > 0 ORDER BY repeat DESC LIMIT 1`
const open = sql<[limit: number], PaymentRow>`
  SELECT * FROM payments WHERE open = 1 ORDER BY created_at, id LIMIT ?`
const orphaned = sql<[limit: number], PaymentRow>`
  SELECT * FROM payments WHERE open = 1 AND NOT EXISTS (SELECT 1 FROM instances WHERE instances.id = payments.owner)
  ORDER BY created_at, id LIMIT ?`

/** One payment, by its id, its exact key or the transaction that moved its money. */
export function findPayment(
  books: Books,
  by: { id: string } | { key: string } | { transaction: Hex; wallet?: Address },
): Payment | null {
  if ('id' in by) {
    const known = books.rows.payments.get(by.id)
    if (known !== undefined) return known
  }
  const row =
    'id' in by
      ? books.get(byId, by.id)
      : 'key' in by
        ? rowOfKey(books, by.key)
        : by.wallet === undefined
          ? books.get(byTransaction, by.transaction.toLowerCase())
          : books.get(byTransactionOf, by.transaction.toLowerCase(), by.wallet.toLowerCase())
  return row === null ? null : toPayment(row)
}

/** One payment that must be there. */
export function needPayment(books: Books, id: string): Payment {
  const payment = findPayment(books, { id })
  if (payment === null) throw new PaymentNotFoundError(id)
  return payment
}

/** The latest payment for the same call under a voucher's key or one of its repeats. */
export function findRepeat(books: Books, family: string, fingerprint: string): Payment | null {
  const row = books.get(byCall, family, fingerprint) ?? books.get(byKey, family, 0)
  return row === null || row.fingerprint !== fingerprint ? null : toPayment(row)
}

/** A key is that of its family, or of a repeat: `<family>#<repeat>`. What a caller named may look like one. */
function rowOfKey(books: Books, key: string): PaymentRow | null {
  const first = books.get(byKey, key, 0)
  const repeat = first === null ? /^(voucher:.+)#([1-9]\d{0,14})$/.exec(key) : null
  return repeat === null ? first : books.get(byKey, String(repeat[1]), Number(repeat[2]))
}

/** Payments that have not ended, oldest first. */
export function openPayments(books: Books, limit: number): Payment[] {
  return books.all(open, limit).map(toPayment)
}

/** Payments that have not ended and that no living instance works on, oldest first. */
export function orphans(books: Books, limit: number): Payment[] {
  return books.all(orphaned, limit).map(toPayment)
}

function toPayment(row: PaymentRow): Payment {
  return {
    id: row.id,
    key: row.key,
    fingerprint: row.fingerprint,
    rail: row.rail,
    dialect: row.dialect,
    wallet: row.wallet,
    route: row.route,
    asset: row.asset,
    amount: BigInt(row.amount),
    charged: BigInt(row.charged),
    earns: row.earns,
    delivery: row.delivery,
    money: row.reversed === 1 ? 'reversed' : row.money,
    channelId: row.channel_id,
    cumulative: row.cumulative === null ? null : BigInt(row.cumulative),
    transaction: row.tx,
    settlement: row.settlement,
    delivered: row.bytes === null ? null : { bytes: row.bytes, whole: row.whole === 1 },
    atRisk: row.at_risk === 1,
    owner: row.owner,
    reason: row.reason,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
