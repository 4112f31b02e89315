import type { Channel } from '../ledger/Channel.ts'

/**
 * How a channel stands whose payer asked to close. `none`: nothing is unsettled, or there is time. `margin`: what is
 * unsettled must be on chain soon. `over`: the payer may take it back at any moment. Pure; times in Unix seconds.
 */
export function closeDanger(
  channel: Pick<Channel, 'spent' | 'settled' | 'closeRequestedAt' | 'finalized'>,
  { graceSeconds, marginSeconds, now }: { graceSeconds: number; marginSeconds: number; now: number },
): { danger: 'none' | 'margin' | 'over'; leftSeconds: number } {
  if (channel.finalized || channel.closeRequestedAt === null || channel.spent <= channel.settled)
    return { danger: 'none', leftSeconds: graceSeconds }
  const leftSeconds = channel.closeRequestedAt + graceSeconds - now
  if (leftSeconds <= 0) return { danger: 'over', leftSeconds }
  return { danger: leftSeconds < marginSeconds ? 'margin' : 'none', leftSeconds }
}
