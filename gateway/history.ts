import { setTimeout as pause } from 'node:timers/promises'
import type { Ledger } from './ledger/Ledger.ts'
import { createTimer, type Timer } from './settlement/timer.ts'

/** Between two looks at what has become old. */
const everyMs = 60_000
/** After each part, so that calls keep the event loop to themselves most of the time. */
const pauseMs = 25
const dayMs = 86_400_000

/** Moves what ended long ago out of the tables that calls write, a part at a time. Of several gateways the one that leads does. */
export function createHistory(options: createHistory.Options): Timer {
  const { ledger, clock, leads, days, prepare, failed } = options
  let stopping = new AbortController()
  const timer = createTimer(
    everyMs,
    async () => {
      const { signal } = stopping
      await prepare()
      while (!signal.aborted && leads() && (await ledger.rollUp(clock.now() - days * dayMs)))
        await pause(pauseMs, undefined, { signal, ref: false }).catch(() => {})
    },
    failed,
  )
  return {
    start() {
      stopping = new AbortController()
      timer.start()
    },
    async stop() {
      stopping.abort()
      await timer.stop()
    },
  }
}

export declare namespace createHistory {
  type Options = {
    ledger: Pick<Ledger, 'rollUp'>
    clock: { now(): number }
    leads(): boolean
    /** Forgets what is kept beside calls for a shorter time: what is kept when its call is looked at would keep it where it is. */
    prepare(): Promise<unknown>
    /** Age, in days, at which what has ended is moved. */
    days: number
    failed(error: unknown): void
  }
}
