import type { Relays } from '../Relays.ts'

/** When the transaction was counted that fills each count; null where there is room. */
export type Filled = Record<Relays.Scope, number | null>

/** Decides which count stops one more relayed deposit: the one that frees up last. Null when none does. */
export function judgeRelay(filled: Filled): { scope: Relays.Scope; since: number } | null {
  let found: { scope: Relays.Scope; since: number } | null = null
  for (const scope of ['payer', 'newcomers', 'total'] as const) {
    const since = filled[scope]
    if (since !== null && (found === null || since > found.since)) found = { scope, since }
  }
  return found
}
