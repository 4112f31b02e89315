import type { Hex } from 'viem'

/**
 * What was refused when last tried (channels whose voucher the escrow refuses, payouts that cannot be sent), so that one
 * bad case is asked after less and less often and never keeps the others waiting. Times in milliseconds.
 */
export class Quarantine<Id extends string = Hex> {
  readonly #held = new Map<Id, Quarantine.Entry>()

  /** Holds a channel back: for half a minute the first time, then twice as long, at most an hour unless said. */
  add(id: Id, reason: string, now: number, mostMs = 3_600_000): Quarantine.Entry {
    const failures = (this.#held.get(id)?.failures ?? 0) + 1
    const entry = { reason, failures, until: now + Math.min(30_000 * 2 ** (failures - 1), mostMs) }
    this.#held.set(id, entry)
    return entry
  }

  /** It settled: nothing is held against it any more. */
  clear(id: Id): void {
    this.#held.delete(id)
  }

  isHeld(id: Id, now: number): boolean {
    return (this.#held.get(id)?.until ?? 0) > now
  }

  /** Everything that failed since it last went well. */
  entries(): ReadonlyMap<Id, Quarantine.Entry> {
    return this.#held
  }
}

export declare namespace Quarantine {
  type Entry = { reason: string; failures: number; until: number }
}
