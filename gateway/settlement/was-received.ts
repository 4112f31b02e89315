import type { Chain } from '../chain/Chain.ts'
import type { ChargeOrder } from '../chain/ChargeOrder.ts'
import type { Report } from '../chain/Report.ts'
import type { Ledger } from '../ledger/Ledger.ts'

/**
 * True unless the token lies: its log says that this much moved to the payee, and the payee's balance did not rise by it.
 * A token that keeps a part of it is alarmed about, and the transfer counts. Where nobody can tell, the log counts.
 */
export async function wasReceived(
  { chain, report }: { chain: Pick<Chain, 'shortfall'>; report: Report },
  order: ChargeOrder,
  ref: Ledger.ChainRef,
): Promise<boolean> {
  const { token, message } = order
  const missing = await chain.shortfall(token, ref.block)
  if (missing === null || missing <= 0n) return true
  const counts = missing < message.value
  report('error', 'token-lies', {
    token,
    transaction: ref.transaction,
    logged: message.value,
    missing,
    counts,
  })
  return counts
}
