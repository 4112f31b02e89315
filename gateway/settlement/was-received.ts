import type { Chain } from '../chain/Chain.ts'
import type { ChargeOrder } from '../chain/ChargeOrder.ts'
import type { Report } from '../chain/Report.ts'
import type { Ledger } from '../ledger/Ledger.ts'

/**
 * True unless the token lies: its log says that this much moved to the payee, and the payee's balance did not rise by it.
 * A token that keeps a part of it is alarmed about, and the transfer counts. Where nobody can tell, the log counts. That a
 * large one was not received is what two nodes say.
 */
export async function wasReceived(
  { chain, report }: { chain: Pick<Chain, 'shortfall' | 'evidence'>; report: Report },
  order: ChargeOrder,
  ref: Ledger.ChainRef,
): Promise<boolean> {
  const { token, message } = order
  const all = message.value
  let missing = await chain.shortfall(token, ref.block)
  if (missing !== null && missing >= all)
    missing = await chain.evidence(token, all).shortfall(token, ref.block)
  if (missing === null || missing <= 0n) return true
  const counts = missing < all
  report('error', 'token-lies', {
    token,
    transaction: ref.transaction,
    logged: all,
    missing,
    counts,
  })
  return counts
}
