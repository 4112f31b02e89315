import type { Address } from 'viem'
import type { Channel } from '../ledger/Channel.ts'

/** When channels are brought to the chain. Amounts in base units of the token, times in milliseconds. */
export type Schedule = {
  /** A channel is due once this much is unsettled; a token without an entry is due by age alone. */
  thresholds: ReadonlyMap<Address, bigint>
  /** A channel is due once its oldest unsettled call is this old. */
  maxAgeMs: number
}

/** Why a channel is due. */
export type DueReason = 'close-requested' | 'exposure' | 'threshold' | 'age'

/**
 * Decides whether a channel is to be settled now, and why. What its payer asks to close is due at once: after the grace
 * period everything unsettled is the payer's again. So is what is `urged`, because calls wait for it. `now` in milliseconds
 * since the epoch.
 */
export function isDue(
  channel: isDue.Input,
  schedule: Schedule,
  now: number,
  urged = false,
): DueReason | null {
  const unsettled = channel.spent - channel.settled
  if (channel.finalized || channel.suspended !== null || unsettled <= 0n) return null
  if (channel.closeRequestedAt !== null) return 'close-requested'
  if (urged) return 'exposure'
  const threshold = schedule.thresholds.get(channel.token)
  if (threshold !== undefined && unsettled >= threshold) return 'threshold'
  const age = channel.unsettledSince === null ? 0 : now - channel.unsettledSince
  return age >= schedule.maxAgeMs ? 'age' : null
}

/**
 * What the ledger is asked for, so that it need not give everything unsettled; without `byAmount` what is due by its threshold
 * alone is not. Its answer is judged by `isDue`.
 */
export function dueFrom(
  { thresholds, maxAgeMs }: Schedule,
  now: number,
  byAmount: boolean,
): { before: number; least: bigint | null } {
  let least: bigint | null = null
  if (byAmount)
    for (const threshold of thresholds.values()) if (least === null || threshold < least) least = threshold
  return { before: now - maxAgeMs, least }
}

export declare namespace isDue {
  type Input = Pick<
    Channel,
    'token' | 'spent' | 'settled' | 'unsettledSince' | 'closeRequestedAt' | 'finalized' | 'suspended'
  >
}
