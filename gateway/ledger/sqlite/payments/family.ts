import type { Payment } from '../../Payment.ts'
import type { Books } from '../Books.ts'
import { pastRepeat } from '../history/find-past.ts'
import { sql } from '../sql.ts'
import { findPayment, findRepeat } from './find-payment.ts'

/** How many calls of one voucher are remembered. */
const most = 8

/** The payments of one voucher: the repeat of the last one, and the latest of each call, null where there is none. */
export type Family = { last: number; calls: ReadonlyMap<string, string | null> }

const lastRepeat = sql<[family: string], { last: number }>`
  SELECT repeat AS last FROM payments WHERE family = ? ORDER BY repeat DESC LIMIT 1`

/** The latest payment for a call under a voucher's key or one of its repeats. */
export function latestOf(books: Books, key: string, fingerprint: string): Payment | null {
  const family = familyOf(books, key)
  const known = family.calls.get(fingerprint)
  if (known !== undefined) return known === null ? null : findPayment(books, { id: known })
  const latest = findRepeat(books, key, fingerprint)
  books.rows.families.keep(key, withCall(family, fingerprint, latest?.id ?? null))
  return latest
}

/** The next repeat of a voucher's key; 0 for its first call. */
export function nextRepeat(books: Books, key: string): number {
  return familyOf(books, key).last + 1
}

/**
 * A payment was written under a voucher's key. The first one is not remembered: mostly a voucher pays for one call, and who
 * comes again reads it once.
 */
export function addToFamily(
  books: Books,
  key: string,
  repeat: number,
  fingerprint: string,
  id: string,
): void {
  if (repeat === 0) books.rows.families.drop(key)
  else books.rows.families.put(key, withCall({ ...familyOf(books, key), last: repeat }, fingerprint, id))
}

function familyOf(books: Books, key: string): Family {
  const known = books.rows.families.get(key)
  if (known !== undefined) return known
  const unwritten = books.rows.payments.unwritten(key).at(-1)?.repeat
  const last = unwritten ?? Math.max(books.load(lastRepeat, key)?.last ?? -1, pastRepeat(books, key) ?? -1)
  return books.rows.families.keep(key, { last, calls: new Map() })
}

function withCall({ last, calls }: Family, fingerprint: string, id: string | null): Family {
  if (calls.get(fingerprint) === id) return { last, calls }
  const kept = calls.size < most || calls.has(fingerprint) ? calls : []
  return { last, calls: new Map([...kept, [fingerprint, id]]) }
}
