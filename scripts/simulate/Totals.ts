import type { SeedReport } from './SeedReport.ts'
import { Tally } from './Tally.ts'

/** What many seeds come to. */
export class Totals {
  seeds = 0
  calls = 0
  events = 0
  crashes = 0
  reorganisations = 0
  readonly failed: number[] = []
  readonly outcomes = new Tally()
  readonly faults = new Tally()
  readonly #hours: number
  readonly #begun = performance.now()

  constructor(hours: number) {
    this.#hours = hours
  }

  add({ seed, calls, events, lives, reorganisations, outcomes, faults, violations }: SeedReport): void {
    this.seeds += 1
    this.calls += calls
    this.events += events
    this.crashes += lives - 1
    this.reorganisations += reorganisations
    this.outcomes.addAll(outcomes)
    this.faults.addAll(faults)
    if (violations.length > 0) this.failed.push(seed)
  }

  /** On one line. */
  line(): string {
    const { seeds, calls, events, crashes, reorganisations, failed } = this
    const end = failed.length === 0 ? 'everything held' : `${failed.length} seeds failed`
    return `${seeds} seeds of ${this.#hours} h in ${this.#seconds().toFixed(1)} s: ${calls} paid calls, ${events} events, ${crashes} crashes, ${reorganisations} reorganisations; ${end}.`
  }

  /** How often each fault happened, on one line. */
  faultLine(): string {
    const parts = Object.entries(this.faults.counts()).map(([name, count]) => `${name} ${count}`)
    return `Faults: ${parts.join(', ') || 'none'}.`
  }

  toJSON(): Record<string, unknown> {
    const { seeds, calls, events, crashes, reorganisations, failed } = this
    return {
      seeds,
      hours: seeds * this.#hours,
      seconds: this.#seconds(),
      calls,
      outcomes: this.outcomes.counts(),
      events,
      crashes,
      reorganisations,
      faults: this.faults.counts(),
      failed,
    }
  }

  #seconds(): number {
    return (performance.now() - this.#begun) / 1_000
  }
}
