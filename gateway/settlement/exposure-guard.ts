import type { Hex } from 'viem'
import type { Chain } from '../chain/Chain.ts'
import { type Report, silent } from '../chain/Report.ts'
import { type Clock, unixSeconds } from '../clock.ts'
import type { Channel } from '../ledger/Channel.ts'
import type { Ledger } from '../ledger/Ledger.ts'
import { closeDanger } from './close-danger.ts'
import { createTimer } from './timer.ts'

/**
 * Watches what payers who asked to close still owe: settles it whatever the schedule says, keeps trying, and raises an
 * alarm while there is still time to act on it. Such a channel takes no calls; all others are served.
 */
export type ExposureGuard = {
  /** Looks once. Returns how many channels are asked to close with something unsettled. */
  tick(): Promise<ExposureGuard.Summary>
  start(): void
  stop(): Promise<void>
}

export declare namespace ExposureGuard {
  type Summary = { closing: number; alarms: number }
}

export function createExposureGuard(options: createExposureGuard.Options): ExposureGuard {
  const { ledger, chain, clock, settleFirst, report = silent } = options
  const { marginSeconds = 300, everyMs = 10_000 } = options
  /** Suspended channels of which it was told that their payer leaves. */
  const told = new Set<Hex>()

  async function tick(): Promise<ExposureGuard.Summary> {
    const summary = { closing: 0, alarms: 0 }
    const all = (await ledger.channels({ closing: true })).filter(
      (channel) => channel.chainId === chain.id && channel.escrow === chain.escrow,
    )
    const suspended = all.filter((channel) => channel.suspended !== null)
    const asked = all.filter((channel) => channel.suspended === null && channel.spent > channel.settled)
    if (asked.length + suspended.length === 0) return summary
    const graceSeconds = await chain.graceSeconds()
    const now = unixSeconds(clock)
    for (const channel of suspended) {
      summary.closing += 1
      summary.alarms += alarmOf(channel, (channel.closeRequestedAt ?? 0) + graceSeconds - now)
    }
    for (const channel of asked) {
      summary.closing += 1
      settleFirst(channel.id)
      const { danger, leftSeconds } = closeDanger(channel, { graceSeconds, marginSeconds, now })
      if (danger === 'none') continue
      summary.alarms += 1
      report('error', danger === 'over' ? 'close-overdue' : 'close-margin', {
        channel: channel.id,
        unsettled: channel.spent - channel.settled,
        leftSeconds,
      })
    }
    return summary
  }

  /** It is not settled before an operator has decided: told once, and at every look while there is little time left. */
  function alarmOf({ id, spent, settled, suspended }: Channel, leftSeconds: number): number {
    if (told.has(id) && leftSeconds >= marginSeconds) return 0
    told.add(id)
    report('error', 'close-suspended', {
      channel: id,
      unsettled: spent - settled,
      leftSeconds,
      reason: suspended,
      fix: 'run ./run audit --accept-restored: the channel is settled at the next look',
    })
    return 1
  }

  const timer = createTimer(everyMs, tick, (error) =>
    report('error', 'close-watch-failed', { error: error instanceof Error ? error.message : String(error) }),
  )
  return { tick, start: timer.start, stop: timer.stop }
}

export declare namespace createExposureGuard {
  type Options = {
    ledger: Pick<Ledger, 'channels'>
    chain: Pick<Chain, 'id' | 'escrow' | 'graceSeconds'>
    clock: Clock
    /** Brings a channel to the chain now. */
    settleFirst: (channel: Hex) => void
    report?: Report
    /** Alarm when less than this is left of the grace period. Default 300. */
    marginSeconds?: number
    /** Time between looks. Default 10,000. */
    everyMs?: number
  }
}
