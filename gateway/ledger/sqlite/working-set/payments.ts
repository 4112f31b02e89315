import { isOpen, type Payment } from '../../Payment.ts'
import type { Books } from '../Books.ts'
import { type Hold, holdsOf, toText } from '../payments/Hold.ts'
import { type PaymentRow, toPayment } from '../payments/PaymentRow.ts'
import { sql } from '../sql.ts'
import type { Entry } from './Journal.ts'
import { WriteBehind } from './WriteBehind.ts'

/** What stands in a payment's row. */
export type PaymentBooks = {
  payment: Payment
  /** The key is that of its family, or of a repeat: `<family>#<repeat>`. */
  family: string
  repeat: number
  holds: readonly Hold[]
  /** Whether the table has the row. */
  stored: boolean
}

type Inserted = [
  id: string,
  family: string,
  repeat: number,
  fingerprint: string,
  rail: string,
  dialect: string,
  wallet: string,
  route: string,
  asset: string,
  amount: string,
  charged: string,
  earns: string,
  delivery: string,
  money: string,
  channel: string | null,
  cumulative: string | null,
  transaction: string | null,
  settlement: string | null,
  reason: string | null,
  bytes: number | null,
  whole: number | null,
  atRisk: number,
  owner: string | null,
  holds: string,
  createdAt: number,
  updatedAt: number,
]
type Moved = [
  charged: string,
  delivery: string,
  money: string,
  transaction: string | null,
  reason: string | null,
  bytes: number | null,
  whole: number | null,
  owner: string | null,
  holds: string,
  updatedAt: number,
  id: string,
]

const find = sql<[id: string], PaymentRow>`SELECT * FROM payments WHERE id = ?`
const highest = sql<[], { id: string | null }>`SELECT max(id) AS id FROM payments`
export const insertPayment = sql<Inserted>`
  INSERT INTO payments (id, family, repeat, fingerprint, rail, dialect, wallet, route, asset, amount, charged,
    earns, delivery, money, channel_id, cumulative, tx, settlement, reason, bytes, whole, at_risk, owner, holds,
    created_at, updated_at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
/** That the chain took its money back is said beside its state, and stays until it is unsaid there. */
export const movePayment = sql<Moved>`
  UPDATE payments SET charged = ?, delivery = ?, money = coalesce(nullif(?, 'reversed'), money), tx = ?, reason = ?,
    bytes = ?, whole = ?, owner = ?, holds = ?, updated_at = ?
  WHERE id = ?`

/** Payments of calls in flight, and those that have ended and wait to be written; by id, and the new ones by key. */
export class Payments extends WriteBehind<PaymentBooks> {
  /** Of payments that the table does not have: their ids by family, made when somebody asks. */
  #families: Map<string, string[]> | null = null
  /** How many were added in the group that runs. */
  #begun = 0
  /** No id in the table is above it; null: not known. */
  #highest: string | null = null
  readonly #books: Books

  constructor(books: Books) {
    super({
      write(changes) {
        for (const { row } of changes)
          if (row.stored) books.write(movePayment, ...moved(row))
          else books.write(insertPayment, ...inserted(row))
      },
      kept: (row) => (isOpen(row.payment) || isRepeat(row) ? { ...row, stored: true } : null),
      entry: (_id, row, again): Entry =>
        row.stored || again ? ['payment-moved', ...moved(row)] : ['payment', ...inserted(row)],
      isSound: (_id, { payment: { charged, amount, delivery } }, before) =>
        charged >= 0n &&
        charged <= amount &&
        (before?.payment.delivery !== 'delivered' || delivery === 'delivered'),
    })
    this.#books = books
  }

  /** Whether no payment has this id. A new one's begins with its time, so it is mostly above all that the table has. */
  isFree(id: string): boolean {
    if (this.get(id) !== undefined) return false
    this.#highest ??= this.#books.load(highest)?.id ?? ''
    return id > this.#highest || this.#books.load(find, id) === null
  }

  /** Payments of a key's family that the table does not have yet, in the order in which they were claimed. */
  unwritten(family: string): PaymentBooks[] {
    this.#families ??= this.#byFamily()
    return (this.#families.get(family) ?? []).flatMap((id) => this.get(id) ?? [])
  }

  add(row: PaymentBooks): void {
    this.set(row.payment.id, row)
    this.#begun++
    if (this.#families !== null) remember(this.#families, row)
  }

  /** How many were claimed since it was asked last, about: of a group that is run again they count twice. */
  takeBegun(): number {
    const begun = this.#begun
    this.#begun = 0
    return begun
  }

  override flush(): void {
    if (this.isDirty) this.#highest = null
    super.flush()
    this.#families = null
  }

  override undo(): void {
    super.undo()
    this.#families = null
  }

  override forget(): void {
    super.forget()
    this.#families = null
    this.#highest = null
  }

  #byFamily(): Map<string, string[]> {
    const families = new Map<string, string[]>()
    for (const row of this.waiting()) if (!row.stored) remember(families, row)
    return families
  }
}

/** A payment with all that its row has, or null where there is none. */
export function booksOfPayment(books: Books, id: string): PaymentBooks | null {
  const known = books.rows.payments.get(id)
  if (known !== undefined) return known
  const row = books.load(find, id)
  return row === null ? null : toBooks(row)
}

/** The payment of a row that was read: as it is now, if it waits to be written. */
export function asItIs(books: Books, row: PaymentRow): Payment {
  return books.rows.payments.get(row.id)?.payment ?? toPayment(row)
}

/** Changes what stands in a payment's row. */
export function setPayment(books: Books, row: PaymentBooks): void {
  books.rows.payments.set(row.payment.id, row)
  books.writes++
}

function toBooks(row: PaymentRow): PaymentBooks {
  const { family, repeat } = row
  return { payment: toPayment(row), family, repeat, holds: holdsOf(row.holds), stored: true }
}

/** The next call under the same voucher looks at the one before it. */
const isRepeat = ({ payment, repeat }: PaymentBooks) => payment.rail === 'channel' && repeat > 0

function remember(families: Map<string, string[]>, { family, payment }: PaymentBooks): void {
  const ids = families.get(family)
  if (ids === undefined) families.set(family, [payment.id])
  else ids.push(payment.id)
}

function inserted({ payment, family, repeat, holds }: PaymentBooks): Inserted {
  const { delivered, cumulative } = payment
  return [
    payment.id,
    family,
    repeat,
    payment.fingerprint,
    payment.rail,
    payment.dialect,
    payment.wallet,
    payment.route,
    payment.asset,
    String(payment.amount),
    String(payment.charged),
    payment.earns,
    payment.delivery,
    payment.money,
    payment.channelId,
    cumulative === null ? null : String(cumulative),
    payment.transaction,
    payment.settlement,
    payment.reason,
    delivered?.bytes ?? null,
    delivered === null ? null : Number(delivered.whole),
    Number(payment.atRisk),
    payment.owner,
    toText(holds),
    payment.createdAt,
    payment.updatedAt,
  ]
}

export function moved({ payment, holds }: Pick<PaymentBooks, 'payment' | 'holds'>): Moved {
  const { delivered } = payment
  return [
    String(payment.charged),
    payment.delivery,
    payment.money,
    payment.transaction,
    payment.reason,
    delivered?.bytes ?? null,
    delivered === null ? null : Number(delivered.whole),
    payment.owner,
    toText(holds),
    payment.updatedAt,
    payment.id,
  ]
}
