import * as Account from '../../Account.ts'
import type { Books } from '../Books.ts'
import type { PastPayment } from '../history/segments.ts'
import { sql } from '../sql.ts'
import { auditNames, auditTwice } from './audit-history.ts'
import type { Opened } from './transfers-in-order.ts'

type Row = {
  id: string
  rail: string
  earns: string
  amount: string
  charged: string
  delivery: string
  money: string
}
type Moved = { kind: string | null; moved: string | null }
type Sums = { charged: bigint; given: bigint; charges: number }

const nothing: Sums = { charged: 0n, given: 0n, charges: 0 }

const twice = sql<[], { key: string; times: number }>`
  SELECT key, count(*) AS times FROM payments GROUP BY family, repeat HAVING count(*) > 1`
const payments = sql<[], Row & Moved>`
  SELECT payments.id, rail, earns, payments.amount, charged, delivery, money,
    transfers.kind AS kind, transfers.amount AS moved
  FROM payments LEFT JOIN transfers ON transfers.payment_id = payments.id
    AND NOT (kind = 'recovery' AND reversed_by IS NOT NULL)
  ORDER BY payments.id`

/**
 * Law 5: one call for a key, and each payment is charged what its transfers say: once, or given back whole. It is given every
 * segment of the history, and says at the end what is wrong in it and in the table.
 */
export function auditPayments(books: Books): PaymentAudit {
  const past: string[] = []
  return {
    take({ segment, payments }) {
      for (const payment of payments)
        past.push(...judge(payment, sumsOf(payment)), ...auditNames(books, segment, payment))
    },
    violations: () => [...keysUsedTwice(books), ...auditTwice(books), ...past, ...auditTable(books)],
  }
}

/** What is proved from all payments. */
export type PaymentAudit = { take: Opened; violations(): string[] }

function keysUsedTwice(books: Books): string[] {
  return books.all(twice).map((row) => `key ${row.key} has ${row.times} payments`)
}

function auditTable(books: Books): string[] {
  const violations: string[] = []
  let last: Row | null = null
  let sums = nothing
  for (const row of books.each(payments)) {
    if (last !== null && last.id !== row.id) {
      violations.push(...judge(last, sums))
      sums = nothing
    }
    sums = add(sums, row)
    last = row
  }
  if (last !== null) violations.push(...judge(last, sums))
  return violations
}

function sumsOf({ booked }: PastPayment): Sums {
  return booked.reduce((sums, { kind, amount }) => add(sums, { kind, moved: amount }), nothing)
}

function add(sums: Sums, row: Moved): Sums {
  const moved = BigInt(row.moved ?? 0)
  if (row.kind === 'refund') return { ...sums, given: sums.given + moved }
  if (row.kind === 'capture' || row.kind === 'charge' || row.kind === 'recovery')
    return { ...sums, charged: sums.charged + moved, charges: sums.charges + 1 }
  return sums
}

function judge(row: Row, sums: Sums): string[] {
  const violations: string[] = []
  const charged = BigInt(row.charged)
  const net = sums.charged - sums.given
  if (charged > BigInt(row.amount))
    violations.push(`payment ${row.id} is charged ${charged} of ${row.amount}`)
  // A top-up earns for the payer's own wallet: parts of it may move nowhere.
  const own = row.earns.startsWith(Account.wallet('0x'))
  if (!own && charged !== net)
    violations.push(`payment ${row.id} is charged ${charged}; its transfers sum to ${net}`)
  if (row.rail === 'charge' && sums.charges > 1)
    violations.push(`payment ${row.id} is charged ${sums.charges} times`)
  const paid = row.money === 'captured' || row.money === 'settled'
  const delivered = row.delivery === 'delivered' || row.delivery === 'delivering'
  if (row.delivery === 'void' && net !== 0n) violations.push(`payment ${row.id} is void and charged ${net}`)
  if (row.delivery === 'failed' && paid) violations.push(`payment ${row.id} failed and is ${row.money}`)
  if (paid && !delivered) violations.push(`payment ${row.id} is ${row.money} and ${row.delivery}`)
  return violations
}
