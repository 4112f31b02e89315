import type { Address } from 'viem'

/**
 * How deep a transaction must be to count, by what it moves: small amounts count soon, large ones once they are safe. Base
 * units; the last step has no end.
 */
export type Depths = ReadonlyMap<Address, readonly Depths.Step[]>

export declare namespace Depths {
  /** Amounts up to `upTo`, itself included, count at this many blocks, their own included. */
  type Step = { upTo: bigint | null; confirmations: number }
}

/** Blocks that make an amount of a token count; for a token without steps, the most that any token needs. Pure. */
export function depthFor(depths: Depths, token: Address, amount: bigint): number {
  const steps = depths.get(token.toLowerCase() as Address)
  const step = steps?.find(({ upTo }) => upTo === null || amount <= upTo)
  return step?.confirmations ?? deepest(depths)
}

/** Blocks after which everything counts. Pure. */
export function deepest(depths: Depths): number {
  return Math.max(1, ...[...depths.values()].flat().map(({ confirmations }) => confirmations))
}
