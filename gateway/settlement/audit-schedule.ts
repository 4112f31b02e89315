import type { Report } from '../chain/Report.ts'
import type { Ledger } from '../ledger/Ledger.ts'
import { type Drift, type Findings, judge, transition } from './drift.ts'
import { createTimer } from './timer.ts'

/** The audit that runs by itself: off the request path, on a connection of its own. */
export type AuditSchedule = {
  /** Audits once now, and draws the consequences. */
  tick(): Promise<Drift>
  state(): AuditSchedule.State
  /** Takes up what another process found: routes that it stopped are stopped here too, until one of its audits is clean. */
  heed(): Promise<void>
  /** Takes up what the last process knew: routes that it had stopped stay stopped until an audit is clean. */
  start(): Promise<void>
  stop(): Promise<void>
}

export declare namespace AuditSchedule {
  /** `alarms`: audits of this process that found a drift. */
  type State = { drift: boolean; stopped: boolean; alarms: number }
}

/** Most reasons in one line of the log. */
const most = 20
/**
 * After an audit it rests so many times as long as that took, a day at most: what an audit reads grows with the past, the log of the books
 * cannot shrink while it does, and calls may want the same core.
 */
const restTimes = 9
const mostRestMs = 86_400_000

export function createAuditSchedule(options: createAuditSchedule.Options): AuditSchedule {
  const { ledger, report, audit, clock, everyMs, eager } = options
  const state = { drift: false, stopped: false, alarms: 0 }
  let skip = !eager
  let tookMs = 0

  async function tick(): Promise<Drift> {
    const found = await audit()
    const accepted = await ledger.notes('difference-accepted', 10_000)
    const drift = judge(found, new Set(accepted.map(({ subject }) => subject)))
    const { reasons } = drift
    await ledger.note({
      kind: 'audit-ran',
      body: { clean: !drift.drift, reasons: reasons.length, head: found.head },
    })
    state.drift = drift.drift
    if (drift.drift) {
      state.alarms += 1
      const details = { stop: drift.stop, count: reasons.length, reasons: reasons.slice(0, most) }
      report('error', 'audit-drift', details)
    } else report('info', 'audit-clean', { head: found.head })
    await follow(drift)
    return drift
  }

  async function follow(drift: Drift): Promise<void> {
    const next = transition({ stop: state.stopped }, drift)
    state.stopped = drift.stop
    if (next === 'none') return
    const stopping = next === 'stop'
    await ledger.note({
      kind: stopping ? 'routes-stopped' : 'routes-resumed',
      body: { reason: drift.reasons[0] ?? null },
    })
    report(stopping ? 'error' : 'info', stopping ? 'routes-stopped' : 'routes-resumed', {
      count: drift.reasons.length,
    })
  }

  async function heed(): Promise<void> {
    const [ran] = await ledger.notes('audit-ran')
    const [stopped] = await ledger.notes('routes-stopped')
    const [resumed] = await ledger.notes('routes-resumed')
    state.stopped = (stopped?.seq ?? 0) > (resumed?.seq ?? 0)
    state.drift = state.stopped || ran?.body.clean === false
  }

  const work = async () => {
    const began = clock.now()
    if (skip) skip = false
    else
      await tick().finally(() => {
        tookMs = clock.now() - began
      })
  }
  /** Whoever is stopped waits for the next audit: it is not put off. */
  const pause = () => (state.stopped ? everyMs : Math.max(everyMs, Math.min(restTimes * tookMs, mostRestMs)))
  const timer = createTimer(pause, work, (error) =>
    report('warn', 'audit-failed', { error: error instanceof Error ? error.message : String(error) }),
  )

  return {
    tick,
    state: () => ({ ...state }),
    heed,
    async start() {
      await heed()
      if (state.stopped) skip = false
      if (everyMs > 0) timer.start()
    },
    stop: () => timer.stop(),
  }
}

export declare namespace createAuditSchedule {
  type Options = {
    ledger: Pick<Ledger, 'note' | 'notes'>
    report: Report
    /** Runs one audit; `head` is the anchor that it ends at, as `seq:hash`. */
    audit: () => Promise<Findings & { head: string | null }>
    clock: { now(): number }
    /** Least time between audits; 0 is never. */
    everyMs: number
    /** Audit as soon as it starts, and not only after the first interval. */
    eager: boolean
  }
}
