import type { Address } from 'viem'
import type { Ledger } from '../../Ledger.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'

type Row = { wallet: Address; amount: string; times: number }

const unsettled = sql<[asset: string], Row>`
  SELECT wallet, amount, count(*) AS times FROM payments
  WHERE at_risk = 1 AND asset = ? AND money IN ('held', 'settling', 'unknown') GROUP BY wallet, amount`
const lost = sql<[asset: string, since: number], Row>`
  SELECT wallet, amount, count(*) AS times FROM payments
  WHERE at_risk = 1 AND asset = ? AND money = 'lost' AND updated_at > ? GROUP BY wallet, amount`

/**
 * May one more answer be released before its transfer is sent? Calls in flight count from their claim, in the
 * transaction that claims: a hundred at once cannot all be the last one that fits.
 */
export function isWithinBudget(
  books: Books,
  { wallet, asset, amount }: Pick<Ledger.ClaimRequest, 'wallet' | 'asset' | 'amount'>,
  budget: Ledger.LossBudget,
): boolean {
  let [own, all] = [amount, amount]
  for (const row of [...books.all(unsettled, asset), ...books.all(lost, asset, budget.since)]) {
    const sum = BigInt(row.amount) * BigInt(row.times)
    all += sum
    if (row.wallet === wallet) own += sum
  }
  return own <= budget.perPayer && all <= budget.total
}
