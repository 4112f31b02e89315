import { GatewayError } from '../errors.ts'
import type { Relays } from '../ledger/Relays.ts'

/**
 * How many deposits we pay the gas of. It is counted in transactions, and no transaction may burn more than
 * `gasPerTransaction`, so that a budget is also a bound on gas. Newcomers, payers who have bought nothing here yet, share
 * a part of the whole: however many wallets somebody makes, those who buy here still top up.
 */
export type GasBudget = {
  /** Transactions for one payer in a window. */
  perPayer: number
  /** … for all newcomers together. */
  newcomers: number
  /** … for everybody. */
  total: number
  /** Length of the sliding window. */
  windowSeconds: number
  /** Most gas that one of them may need. */
  gasPerTransaction: number
}

/** What the ledger is asked for one more transaction, now. */
export function request(budget: GasBudget, payer: Relays.Request['payer'], now: number): Relays.Request {
  const { perPayer, newcomers, total, windowSeconds } = budget
  const limits = { payer: perPayer, newcomers, total }
  return { payer, limits, since: now - windowSeconds * 1_000, now }
}

/** Seconds until the transaction that fills the budget has left the window. */
export function secondsUntilFree(budget: GasBudget, full: { since: number }, now: number): number {
  return Math.max(1, Math.ceil((full.since + budget.windowSeconds * 1_000 - now) / 1_000))
}

const whose: Record<Relays.Scope, string> = {
  payer: 'this payer',
  newcomers: 'payers who have bought nothing here yet',
  total: 'relayed deposits',
}

/** We pay no more gas now. The payer can: nothing else about the deposit is refused. */
export class GasBudgetSpentError extends GatewayError {
  constructor(scope: Relays.Scope, retryAfter: number) {
    super({
      status: 429,
      code: 'gas-budget-spent',
      message:
        `The gas budget for ${whose[scope]} is spent. Send the same deposit again in ${retryAfter} s, or at once in a ` +
        'transaction of your own, and name it by its hash (type "hash").',
      retryAfter,
      details: { scope, alternative: 'hash' },
    })
  }
}
