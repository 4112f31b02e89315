import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'

const reserved = sql<[], { account: string; asset: string; amount: string }>`
  SELECT 'wallet:' || wallet AS account, asset, amount FROM withdrawals WHERE open = 1`
const strange = sql<[], { id: string; state: string; tx: string | null; entries: number }>`
  SELECT withdrawals.id, state, withdrawals.tx, count(transfers.id) AS entries FROM withdrawals
  LEFT JOIN transfers ON transfers.withdrawal_id = withdrawals.id AND transfers.kind = 'withdrawal'
    AND transfers.reversed_by IS NULL AND transfers.tx = coalesce(withdrawals.tx, transfers.tx)
    AND transfers.amount = coalesce(withdrawals.moved, withdrawals.amount) AND transfers.asset = withdrawals.asset
    AND transfers.debit = 'wallet:' || withdrawals.wallet
  GROUP BY withdrawals.id HAVING count(transfers.id) <> (state = 'paid' OR moved IS NOT NULL)`

/** What open withdrawals reserve of each account (law 2). */
export function reservedByWithdrawals(books: Books): { account: string; asset: string; amount: string }[] {
  return books.all(reserved)
}

/** Law 4: a withdrawal that is paid has its entry, as it was asked for or as an operator said; no other has any. */
export function auditWithdrawals(books: Books): string[] {
  return books
    .all(strange)
    .map(
      ({ id, state, tx, entries }) =>
        `withdrawal ${id} is ${state} by ${tx ?? 'no transaction'}, with ${entries} entries`,
    )
}
