import type { Deps } from '../deps.ts'
import type { Patience } from '../rails/channel/Patience.ts'
import * as Fields from '../upstream/Fields.ts'
import { signalOf } from '../upstream/Gone.ts'
import type { Incoming } from './Incoming.ts'
import { lookMs, preferredWait, type Waiting } from './wait.ts'

/** The patience of one request, and what it has used of it. */
export type RequestPatience = Patience & {
  readonly waitedMs: number
  /** Gives its place to another caller. */
  leave(): void
}

/** As long as the caller likes to wait (`Prefer: wait=N`), and while there is room. */
export function createPatience(
  { fields, gone }: Pick<Incoming, 'fields' | 'gone'>,
  {
    clock,
    config,
    waiting,
  }: Pick<Deps, 'clock' | 'waiting'> & { config: { limits: { waitSeconds: number } } },
): RequestPatience {
  let begun: { place: Waiting.Place; signal: AbortSignal; seconds: number; at: number } | null = null

  function begin(subject: string) {
    const seconds = preferredWait(Fields.get(fields, 'prefer'), config.limits.waitSeconds)
    const place = seconds === null ? null : waiting.enter(subject)
    if (seconds === null || place === null) return null
    const signal = AbortSignal.any([signalOf(gone), AbortSignal.timeout(seconds * 1_000)])
    return { place, signal, seconds, at: clock.now() }
  }

  return {
    async next(subject) {
      begun ??= begin(subject)
      if (begun === null || begun.signal.aborted) return false
      return begun.place.next(lookMs, begun.signal)
    },
    wake: waiting.wake,
    leave: () => begun?.place.leave(),
    get granted() {
      return begun?.seconds ?? null
    },
    get waitedMs() {
      return begun === null ? 0 : clock.now() - begun.at
    },
  }
}
