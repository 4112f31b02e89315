import type { Deps } from '../deps.ts'
import type { Patience } from '../rails/channel/Patience.ts'
import * as Fields from '../upstream/Fields.ts'
import { signalOf } from '../upstream/Gone.ts'
import type { Incoming } from './Incoming.ts'
import { lookMs, preferredWait, type Waiting } from './wait.ts'

type Context = Pick<Deps, 'clock' | 'waiting'> & { config: { limits: { waitSeconds: number } } }
type Begun = { place: Waiting.Place; signal: AbortSignal; seconds: number; at: number }

/** The patience of one request: as long as the caller likes to wait (`Prefer: wait=N`), and while there is room. */
export class RequestPatience implements Patience {
  readonly #incoming: Pick<Incoming, 'fields' | 'gone'>
  readonly #context: Context
  #begun: Begun | null = null

  constructor(incoming: Pick<Incoming, 'fields' | 'gone'>, context: Context) {
    this.#incoming = incoming
    this.#context = context
  }

  async next(subject: string): Promise<boolean> {
    this.#begun ??= this.#begin(subject)
    if (this.#begun === null || this.#begun.signal.aborted) return false
    return this.#begun.place.next(lookMs, this.#begun.signal)
  }

  wake(subject: string): void {
    this.#context.waiting.wake(subject)
  }

  /** Gives its place to another caller. */
  leave(): void {
    this.#begun?.place.leave()
  }

  get granted(): number | null {
    return this.#begun?.seconds ?? null
  }

  /** How much of it was used. */
  get waitedMs(): number {
    return this.#begun === null ? 0 : this.#context.clock.now() - this.#begun.at
  }

  #begin(subject: string): Begun | null {
    const { fields, gone } = this.#incoming
    const { clock, config, waiting } = this.#context
    const seconds = preferredWait(Fields.get(fields, 'prefer'), config.limits.waitSeconds)
    const place = seconds === null ? null : waiting.enter(subject)
    if (seconds === null || place === null) return null
    const signal = AbortSignal.any([signalOf(gone), AbortSignal.timeout(seconds * 1_000)])
    return { place, signal, seconds, at: clock.now() }
  }
}
