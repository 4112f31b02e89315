import * as Amount from '../protocol/Amount.ts'
import type { Token } from '../routes/Token.ts'
import type { RawConfig } from './schema.ts'

/** How deep a transaction must be to count, up to an amount in base units; the last step has no end. */
export type DepthStep = { upTo: bigint | null; confirmations: number }

/** Reads `chain.confirmations` for one token. @throws {Error} steps that do not rise, or that leave something out. */
export function readDepths(raw: RawConfig['chain']['confirmations'], token: Token): DepthStep[] {
  const steps = typeof raw === 'number' ? [{ confirmations: raw }] : raw
  const read = steps.map(({ upTo, confirmations }) => ({
    upTo: upTo === undefined ? null : Amount.parse(upTo, token.decimals),
    confirmations,
  }))
  for (const [index, { upTo, confirmations }] of read.entries()) {
    const next = read[index + 1]
    if (next === undefined) {
      if (upTo !== null)
        throw new Error('has no step for larger amounts. Fix: end with one that has no upTo.')
    } else if (upTo === null) {
      throw new Error(`step ${index + 1} has no upTo and is not the last. Fix: give it one, or put it last.`)
    } else if (next.upTo !== null && next.upTo <= upTo) {
      throw new Error(`step ${index + 2} is not above step ${index + 1}. Fix: list the steps by rising upTo.`)
    } else if (next.confirmations < confirmations) {
      throw new Error(
        `step ${index + 2} asks for ${next.confirmations} blocks and a smaller amount for ${confirmations}. Fix: let the blocks rise.`,
      )
    }
  }
  return read
}
