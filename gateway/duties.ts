import type { Chain } from './chain/Chain.ts'
import type { Report } from './chain/Report.ts'
import type { AuditSchedule } from './settlement/audit-schedule.ts'
import type { Settlement } from './settlement/create-settlement.ts'
import type { Membership } from './settlement/Membership.ts'
import { createTimer } from './settlement/timer.ts'

/**
 * What this process does beside its calls. Of several on one ledger one leads: it follows the chain, settles, pays out,
 * audits, and ends what dead ones left. The others look after their own calls, and take over when it is gone.
 */
export type Duties = {
  /** Does what the first request must wait for, then goes on by itself. */
  start(): Promise<void>
  stop(): Promise<void>
}

export function createDuties(options: createDuties.Options): Duties {
  const { membership, settlement, chain, audits, report, everyMs } = options
  let begun = false

  /** Nothing of it runs in two processes: who led before is gone, and can write nothing any more. */
  async function lead(): Promise<void> {
    await chain.recover()
    await settlement.recover()
    settlement.start()
    await audits.start()
    begun = true
  }

  async function tick(): Promise<void> {
    if (membership.isLost()) return
    if (!membership.leads()) {
      await audits.heed()
      await chain.look()
    } else if (begun) await settlement.sweep()
    else await lead()
  }

  const timer = createTimer(everyMs, tick, (error) =>
    report('warn', 'duties-failed', { error: error instanceof Error ? error.message : String(error) }),
  )

  return {
    async start() {
      // Behind a living leader the books are those that it works on: they were not put back to an older state.
      if (membership.leads()) {
        await settlement.suspendRestored()
        await lead()
      } else await audits.heed()
      settlement.abandoned.start()
      timer.start()
    },
    stop: () => timer.stop(),
  }
}

export declare namespace createDuties {
  type Options = {
    membership: Pick<Membership, 'leads' | 'isLost'>
    settlement: Settlement
    chain: Pick<Chain, 'recover' | 'look'>
    audits: Pick<AuditSchedule, 'start' | 'heed'>
    report: Report
    /** Time between looks. */
    everyMs: number
  }
}
