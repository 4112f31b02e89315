import type { Hex } from 'viem'

/**
 * Channels whose voucher the escrow refuses, so that one bad channel is asked after less and less often and never keeps
 * the others waiting. Times in milliseconds.
 */
export class Quarantine {
  readonly #held = new Map<Hex, Quarantine.Entry>()

  /** Holds a channel back: for half a minute the first time, then twice as long, at most an hour. */
  add(id: Hex, reason: string, now: number): Quarantine.Entry {
    const failures = (this.#held.get(id)?.failures ?? 0) + 1
    const entry = { reason, failures, until: now + Math.min(30_000 * 2 ** (failures - 1), 3_600_000) }
    this.#held.set(id, entry)
    return entry
  }

  /** It settled: nothing is held against it any more. */
  clear(id: Hex): void {
    this.#held.delete(id)
  }

  isHeld(id: Hex, now: number): boolean {
    return (this.#held.get(id)?.until ?? 0) > now
  }

  /** Every channel that failed since it last settled. */
  entries(): ReadonlyMap<Hex, Quarantine.Entry> {
    return this.#held
  }
}

export declare namespace Quarantine {
  type Entry = { reason: string; failures: number; until: number }
}
