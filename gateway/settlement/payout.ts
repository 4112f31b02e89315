import type { Address, Hex } from 'viem'
import type { Chain } from '../chain/Chain.ts'
import { isOurTrouble } from '../chain/our-trouble.ts'
import * as TokenCalls from '../chain/TokenCalls.ts'
import type { Ledger } from '../ledger/Ledger.ts'
import type { Withdrawal } from '../ledger/Withdrawal.ts'

/** The order that pays a withdrawal: a plain transfer of its token from the payee. Pure. */
export function orderOf(withdrawal: Withdrawal): Chain.Order & { to: Address; data: Hex } {
  const data = TokenCalls.transfer(withdrawal.to, withdrawal.amount)
  return { kind: 'withdrawal', subjects: [withdrawal.id], to: tokenOf(withdrawal), data }
}

/**
 * What a mined payout did, by its logs and never by its status.
 *
 * | Payout | Means |
 * |---|---|
 * | `paid` | exactly the amount went from the payee to the recipient; `ref` is its Transfer log |
 * | `nothing` | no token left the payee |
 * | `otherwise` | something left, and not what was asked for: a person must look. `left` is all that did |
 */
export type Payout =
  | { status: 'paid'; ref: Ledger.ChainRef }
  | { status: 'nothing' }
  | { status: 'otherwise'; left: bigint; ref: Ledger.ChainRef }

/** Judges the transaction of a payout. Pure. */
export function payoutOf(
  chain: Pick<Chain, 'id' | 'payee'>,
  withdrawal: Withdrawal,
  mined: Chain.Mined,
): Payout {
  if (mined.status !== 'succeeded') return { status: 'nothing' }
  const left = TokenCalls.transfers(tokenOf(withdrawal), mined.logs).filter(
    ({ from, to, value }) => from === chain.payee && to !== chain.payee && value > 0n,
  )
  const [first] = left
  if (first === undefined) return { status: 'nothing' }
  const exact = left.find(({ to, value }) => to === withdrawal.to && value === withdrawal.amount)
  const { logIndex, block, blockHash } = exact ?? first
  const at = blockHash === undefined ? {} : { blockHash }
  const ref = { chainId: chain.id, transaction: mined.hash, logIndex, block, ...at }
  if (exact !== undefined) return { status: 'paid', ref }
  return { status: 'otherwise', left: left.reduce((sum, { value }) => sum + value, 0n), ref }
}

/** Refusals that say something about our funds, or about the token as a whole, and nothing about this recipient. */
const passing = /^(insufficient-balance|token-paused)/

/** Whether a payout that was refused, and of which nothing can be mined, is worth another try. Pure. */
export function isWorthRetrying(reason: string): boolean {
  return isOurTrouble(reason) || passing.test(reason)
}

/** The token of a withdrawal. Pure. */
export function tokenOf({ asset }: Pick<Withdrawal, 'asset'>): Address {
  return asset.slice(asset.lastIndexOf(':') + 1) as Address
}
