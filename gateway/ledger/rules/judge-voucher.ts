import type { Channel } from '../Channel.ts'

/**
 * Decides what a voucher does to a channel: `accept` raises it, `replay` adds nothing (it is not above what was
 * accepted), anything else is a refusal. The signature was verified before.
 */
export function judgeVoucher(channel: Channel | null, voucher: judgeVoucher.Voucher): judgeVoucher.Verdict {
  if (channel === null) return 'channel-not-found'
  if (channel.finalized) return 'channel-finalized'
  if (channel.suspended !== null) return 'channel-suspended'
  if (channel.depositMissing > 0n) return 'deposit-missing'
  if (channel.closeRequestedAt !== null) return 'close-requested'
  if (voucher.cumulative > channel.deposit) return 'amount-exceeds-deposit'
  if (voucher.cumulative <= channel.accepted) return 'replay'
  if (voucher.cumulative - channel.accepted < voucher.minDelta) return 'delta-too-small'
  return 'accept'
}

export declare namespace judgeVoucher {
  type Voucher = { cumulative: bigint; minDelta: bigint }
  type Refusal =
    | 'channel-not-found'
    | 'channel-finalized'
    | 'channel-suspended'
    | 'deposit-missing'
    | 'close-requested'
    | 'amount-exceeds-deposit'
    | 'delta-too-small'
  type Verdict = 'accept' | 'replay' | Refusal
}
