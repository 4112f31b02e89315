import { onceKey } from '../../payment-id.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'
import { nameOfCall, nameOfFamily, nameOfId } from './names.ts'
import { type PastPayment, readSegment } from './segments.ts'

const find = sql<[name: Uint8Array, repeat: number], { segment: number }>`
  SELECT segment FROM history_names WHERE name = ? AND repeat = ?`
const last = sql<[name: Uint8Array], { repeat: number }>`
  SELECT repeat FROM history_names WHERE name = ? ORDER BY repeat DESC LIMIT 1`
const progress = sql<[], { highest: number }>`SELECT highest FROM history_progress WHERE id = 1`

/** A payment that the history has, by its id. */
export function pastPayment(books: Books, id: string): PastPayment | null {
  return inSegment(books, nameOfId(id), 0, (payment) => payment.id === id)
}

/** The payment of a key, or of a voucher's repeat. */
export function pastOfKey(books: Books, family: string, repeat: number): PastPayment | null {
  const id = family.startsWith(onceKey('')) ? family.slice(onceKey('').length) : null
  const own = id === null || repeat > 0 ? null : pastPayment(books, id)
  if (own?.family === family) return own
  return inSegment(
    books,
    nameOfFamily(family),
    repeat,
    (payment) => isOf(payment, family) && payment.repeat === repeat,
  )
}

/** The latest repeat of a voucher for a call. */
export function pastOfCall(books: Books, family: string, fingerprint: string): PastPayment | null {
  const repeat = books.load(last, nameOfCall(family, fingerprint))?.repeat
  return repeat === undefined ? null : pastOfKey(books, family, repeat)
}

/** The highest repeat of a voucher that the history has; null when it has none of its payments. */
export function pastRepeat(books: Books, family: string): number | null {
  return books.load(last, nameOfFamily(family))?.repeat ?? null
}

/** Base units of a past payment that became credit of the payer's wallet. */
export function pastCredit(books: Books, id: string): bigint {
  const refunds = pastPayment(books, id)?.booked.filter(({ kind }) => kind === 'refund') ?? []
  return refunds.reduce((sum, { amount }) => sum + BigInt(amount), 0n)
}

/** The highest transfer that the history has; 0 when it has none. */
export function highestPast(books: Books): number {
  return books.load(progress)?.highest ?? 0
}

function inSegment(
  books: Books,
  name: Uint8Array,
  repeat: number,
  isIt: (payment: PastPayment) => boolean,
): PastPayment | null {
  const row = books.load(find, name, repeat)
  return row === null ? null : (readSegment(books, row.segment).payments.find(isIt) ?? null)
}

const isOf = (payment: PastPayment, family: string) => payment.family === family
