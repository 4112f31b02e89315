import type { Ledger } from '../Ledger.ts'

/**
 * Decides which cap one more call would break: what is unsettled (spent or reserved, not on chain) with the call's amount
 * may be as much as the cap and no more. Null when it may go on.
 */
export function judgeExposure(
  unsettled: { channel: bigint; total: bigint },
  amount: bigint,
  caps: Ledger.Caps,
): { scope: 'channel' | 'total'; unsettled: bigint; cap: bigint } | null {
  for (const scope of ['channel', 'total'] as const)
    if (unsettled[scope] + amount > caps[scope])
      return { scope, unsettled: unsettled[scope], cap: caps[scope] }
  return null
}
