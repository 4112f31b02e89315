import type { Withdrawal } from '../../gateway/ledger/Withdrawal.ts'
import * as Amount from '../../gateway/protocol/Amount.ts'
import type { Token } from '../../gateway/routes/Token.ts'

/** An amount of a withdrawal's token for a person: what it is for, when left out. Base units. */
export function amountOf(
  { asset, amount }: Pick<Withdrawal, 'asset' | 'amount'>,
  tokens: readonly Token[],
  units: bigint = amount,
): string {
  const token = tokens.find(({ address }) => asset.endsWith(`:${address}`))
  return token === undefined
    ? `${units} of ${asset}`
    : `${Amount.format(units, token.decimals)} ${token.symbol}`
}
