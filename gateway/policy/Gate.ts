import type { Address } from 'viem'

/** A token gate: what the caller's wallet must hold, and what holding it does. */
export type Gate = {
  standard: 'erc20' | 'erc721' | 'erc1155'
  token: Address
  /** ERC-1155 only. */
  id: bigint | null
  /** Least holding: base units of an ERC-20, a count otherwise. */
  minimum: bigint
  effect: Effect
}

/** `required`: reachable only with it. `free`: costs nothing with it. `price`: costs this many base units with it. */
export type Effect = { kind: 'required' } | { kind: 'free' } | { kind: 'price'; amount: bigint }

/**
 * What a gate decides for a caller.
 * `open`: go on, at `price` base units when the gate changes it. `sign-in`: no wallet is known and one is needed.
 * `hold`: the wallet is known and does not hold enough.
 */
export type Decision = { kind: 'open'; price: bigint | null } | { kind: 'sign-in' } | { kind: 'hold' }

/**
 * Decides purely. A holding changes the price only for a wallet that has proven itself by signing in; for `required`
 * the payer named by a credential is enough, since the payment is refused unless that payer signed it.
 */
export function decide(gate: Gate, caller: { proven: boolean; holding: bigint } | null): Decision {
  if (gate.effect.kind === 'required') {
    if (caller === null) return { kind: 'sign-in' }
    return caller.holding >= gate.minimum ? { kind: 'open', price: null } : { kind: 'hold' }
  }
  if (caller === null || !caller.proven || caller.holding < gate.minimum) return { kind: 'open', price: null }
  return { kind: 'open', price: gate.effect.kind === 'free' ? 0n : gate.effect.amount }
}
