import * as Account from '../../Account.ts'
import type { Doubts } from '../../Doubts.ts'
import type { Payment } from '../../Payment.ts'
import type { Books } from '../Books.ts'
import { claim } from '../payments/claim.ts'
import { needPayment } from '../payments/find-payment.ts'
import { sql } from '../sql.ts'

type Row = { payment_id: string }

const add = sql<[payment: string, wallet: string, fingerprint: string, since: number]>`
  INSERT INTO doubts (payment_id, wallet, fingerprint, since) VALUES (?, ?, ?, ?)
  ON CONFLICT (payment_id) DO NOTHING`
const any = sql<[], { one: number }>`SELECT 1 AS one FROM doubts WHERE seq > 0 LIMIT 1`
const byTaker = sql<[key: string], Row>`
  SELECT payment_id FROM doubts WHERE taken_by = ? ORDER BY seq LIMIT 1`
const byCall = sql<[wallet: string, fingerprint: string], Row>`
  SELECT payment_id FROM doubts WHERE wallet = ? AND fingerprint = ? AND (
    taken_by IS NULL
    OR EXISTS (SELECT 1 FROM payments WHERE family = doubts.taken_by AND repeat = 0 AND delivery = 'void')
  ) ORDER BY seq LIMIT 1`
const free = sql<[payment: string, key: string], Row>`
  SELECT payment_id FROM doubts WHERE payment_id = ? AND (
    taken_by IS NULL OR taken_by = ?
    OR EXISTS (SELECT 1 FROM payments WHERE family = doubts.taken_by AND repeat = 0 AND delivery = 'void')
  )`
const take = sql<[key: string, payment: string]>`UPDATE doubts SET taken_by = ? WHERE payment_id = ?`
const remove = sql<[payment: string]>`DELETE FROM doubts WHERE payment_id = ?`
const forget = sql<[told: number, ended: number, limit: number]>`
  DELETE FROM doubts WHERE seq IN (
    SELECT doubts.seq FROM doubts CROSS JOIN payments ON payments.id = doubts.payment_id
    WHERE doubts.since < ? AND payments.open = 0 AND payments.updated_at < ? LIMIT ?
  )`

/** The caller of a charge was left without an answer. What a top-up moves is its payer's in any case. */
export function addDoubt(books: Books, { id, rail, earns, wallet, fingerprint }: Payment): void {
  if (rail !== 'charge' || earns === Account.wallet(wallet)) return
  // Its row refers to that of the payment.
  books.rows.flush()
  books.run(add, id, wallet, fingerprint, books.clock.now())
}

/** What serves a later credential. One look where nobody is in doubt. */
export function findDoubt(books: Books, { wallet, fingerprint, key }: Doubts.Call): Doubts.Found | null {
  if (books.get(any) === null) return null
  const taken = books.get(byTaker, key)
  const row = taken ?? books.get(byCall, wallet.toLowerCase(), fingerprint)
  return row === null ? null : { payment: needPayment(books, row.payment_id), taken: taken !== null }
}

/** True when nobody has taken it, or only a call that came to nothing. */
export function isFree(books: Books, payment: string, key = ''): boolean {
  return books.get(free, payment, key) !== null
}

/** Takes it for a credential, once. */
export function takeDoubt(books: Books, payment: string, key: string): boolean {
  return isFree(books, payment, key) && books.run(take, key, payment) === 1
}

/** Claims from the wallet's balance what the credit of this payment is there for. */
export function claimDoubt(books: Books, payment: string, request: Doubts.ClaimRequest): Doubts.ClaimResult {
  if (!isFree(books, payment, request.key)) return { outcome: 'taken' }
  const result = claim(books, { ...request, from: { rail: 'balance' } })
  if (result.outcome === 'fresh') books.run(take, request.key, payment)
  return result
}

/** Nothing is left of it. */
export function forgetDoubt(books: Books, payment: string): void {
  if (isFree(books, payment)) books.run(remove, payment)
}

/** Removes up to `limit` that were told before a time, of payments that had ended by then. Returns how many. */
export function forgetOldDoubts(books: Books, before: number, limit: number): number {
  return books.run(forget, before, before, limit)
}
