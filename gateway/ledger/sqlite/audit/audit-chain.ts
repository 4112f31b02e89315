import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'
import { auditWithdrawals } from './audit-withdrawals.ts'

const twice = sql<[], { chain_id: number; tx: string; log_index: number; times: number }>`
  SELECT chain_id, tx, log_index, count(*) AS times FROM transfers WHERE tx IS NOT NULL AND reversed_by IS NULL
  GROUP BY chain_id, tx, log_index HAVING count(*) > 1`
const unmoored = sql<[], { id: number; kind: string }>`
  SELECT id, kind FROM transfers
  WHERE (debit = 'treasury' OR credit = 'treasury') <> (tx IS NOT NULL)
    AND NOT (kind = 'reversal' AND 'treasury' IN (debit, credit))`
const strange = sql<[], { id: string; money: string; tx: string | null; entries: number }>`
  SELECT payments.id, payments.money, payments.tx, count(transfers.id) AS entries FROM payments
  LEFT JOIN transfers ON transfers.payment_id = payments.id AND transfers.tx IS NOT NULL
    AND transfers.tx = payments.tx AND transfers.reversed_by IS NULL
  GROUP BY payments.id
  HAVING count(transfers.id) <> (rail = 'charge' AND money IN ('settled', 'credited') AND reversed = 0)`

/** Law 4, the ledger's half: a movement on chain is booked once, and what says it is on chain has its entry. */
export function auditChain(books: Books): string[] {
  return [
    ...auditWithdrawals(books),
    ...books
      .all(twice)
      .map(
        (row) => `log ${row.log_index} of ${row.tx} on chain ${row.chain_id} is booked ${row.times} times`,
      ),
    ...books
      .all(unmoored)
      .map((row) => `transfer ${row.id} (${row.kind}) and its chain reference do not agree`),
    ...books
      .all(strange)
      .map(
        (row) =>
          `payment ${row.id} is ${row.money} by ${row.tx ?? 'no transaction'}, with ${row.entries} entries`,
      ),
  ]
}
