import type { Chain } from '../../gateway/chain/Chain.ts'
import type { Ledger } from '../../gateway/ledger/Ledger.ts'
import type { Withdrawal } from '../../gateway/ledger/Withdrawal.ts'
import * as Amount from '../../gateway/protocol/Amount.ts'
import type { Token } from '../../gateway/routes/Token.ts'
import { type Payout, payoutOf } from '../../gateway/settlement/payout.ts'
import { amountOf } from './amount-of.ts'
import { DecisionError } from './DecisionError.ts'

/**
 * Ends a withdrawal whose payout moved something other than was asked for, as an operator says: `paid` of it counts as paid,
 * what was asked for beyond that is credit again, and what left the payee beyond it is a loss. Says what moved when it is not
 * told how much counts.
 * @throws {DecisionError} there is nothing to resolve, or it cannot count like that.
 */
export async function resolveByHand(
  { id, paid, note }: { id: string; paid: string | null; note: string | null },
  context: resolveByHand.Context,
): Promise<string> {
  const { withdrawals, tokens } = context
  const withdrawal = await withdrawals.withdrawal(id)
  if (withdrawal === null)
    throw new DecisionError(`There is no withdrawal ${id}. Fix: ./run withdrawals held`)
  if (withdrawal.state === 'paid' || withdrawal.state === 'failed')
    throw new DecisionError(`Withdrawal ${id} is ${withdrawal.state}: it is too late to resolve it.`)
  const payout = await findPayout(withdrawal, context)
  if (payout?.status !== 'otherwise')
    throw new DecisionError(
      `Withdrawal ${id} is ${withdrawal.state}, and the chain shows no payout of it that moved something else: the gateway ends it by itself.`,
    )
  const { left, ref } = payout
  const moved = `Transaction ${ref.transaction} moved ${amountOf(withdrawal, tokens, left)} away, for a withdrawal of ${amountOf(withdrawal, tokens)} to ${withdrawal.to}.`
  const most = left < withdrawal.amount ? left : withdrawal.amount
  const counts = paid === null ? null : unitsOf(withdrawal, paid, tokens)
  if (counts === null || note === null || note === '' || counts > most)
    throw new DecisionError(
      `${moved} Fix: say what counts as paid, at most ${amountOf(withdrawal, tokens, most)}, and why: --paid AMOUNT --note TEXT`,
    )
  const ended = await withdrawals.resolve(id, { paid: counts, left, ref, note })
  const [back, lost] = [withdrawal.amount - counts, left - counts]
  return [
    moved,
    `Withdrawal ${id} is ${ended.state}: ${amountOf(withdrawal, tokens, counts)} counts as paid,`,
    `${amountOf(withdrawal, tokens, back)} is credit of ${withdrawal.wallet} again, ${amountOf(withdrawal, tokens, lost)} is a loss.\n`,
  ].join(' ')
}

/** What the mined transactions that were recorded for it did, once they are deep enough to count. */
async function findPayout(
  withdrawal: Withdrawal,
  { intentsFor, attempts, chain }: resolveByHand.Context,
): Promise<Payout | null> {
  for (const { id } of await intentsFor(withdrawal.id))
    for (const { hash } of await attempts(id)) {
      const mined = await chain.receipt(hash)
      if (mined !== null && mined.depth >= chain.confirmations) return payoutOf(chain, withdrawal, mined)
    }
  return null
}

function unitsOf({ asset }: Withdrawal, paid: string, tokens: readonly Token[]): bigint {
  const token = tokens.find(({ address }) => asset.endsWith(`:${address}`))
  if (token === undefined)
    throw new DecisionError(`The configuration has no token for ${asset}. Fix: add it.`)
  return Amount.parse(paid, token.decimals)
}

export declare namespace resolveByHand {
  type Context = Pick<Ledger, 'withdrawals' | 'intentsFor' | 'attempts'> & {
    chain: Pick<Chain, 'id' | 'payee' | 'confirmations' | 'receipt'>
    tokens: readonly Token[]
  }
}
