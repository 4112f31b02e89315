import type { Deps } from '../deps.ts'
import type { Payment } from '../ledger/Payment.ts'
import { type Gone, signalOf } from '../upstream/Gone.ts'

/** Callers that wait for a call that another request runs, or for its deposit. In this process they are woken; see {@link waitFor}. */
export type Waiting = {
  /** A place for one caller who waits for this payment or deposit, or null when all are taken. */
  enter(subject: string): Waiting.Place | null
  /** The call that this payment bought, or the deposit of this name, has got somewhere. */
  wake(subject: string): void
  /** Nobody waits any longer: the gateway is stopping. */
  close(): void
}

export declare namespace Waiting {
  type Place = {
    /**
     * Resolves when woken since the last time, when `ms` are over, or when `signal` aborts. False when nobody waits any
     * longer.
     */
    next(ms: number, signal: AbortSignal): Promise<boolean>
    leave(): void
  }
}

/** Makes room for `most` callers that wait at once. */
export function createWaiting(most: number): Waiting {
  const places = new Map<string, Set<() => void>>()
  let taken = 0
  let closed = false

  return {
    enter(subject) {
      if (closed || taken >= most) return null
      taken += 1
      let woken = false
      let resolve: (() => void) | null = null
      const wake = () => {
        woken = true
        resolve?.()
      }
      const here = places.get(subject) ?? new Set()
      places.set(subject, here.add(wake))
      return {
        async next(ms, signal) {
          if (!woken && !closed && !signal.aborted)
            await new Promise<void>((done) => {
              const timer = setTimeout(done, ms)
              const end = () => {
                clearTimeout(timer)
                signal.removeEventListener('abort', end)
                done()
              }
              resolve = end
              signal.addEventListener('abort', end, { once: true })
            })
          woken = false
          return !closed
        },
        leave() {
          if (!here.delete(wake)) return
          taken -= 1
          if (here.size === 0 && places.get(subject) === here) places.delete(subject)
        },
      }
    },
    wake(subject) {
      for (const wake of places.get(subject) ?? []) wake()
    },
    close() {
      closed = true
      for (const here of places.values()) for (const wake of here) wake()
    },
  }
}

/** Time between looks into the books: another process, or the resolver, may be the one that ends the call. */
export const lookMs = 250

/** Is the call that a payment bought still running, as far as the books know? */
export function isRunning({ delivery }: Pick<Payment, 'delivery'>): boolean {
  return delivery === 'held' || delivery === 'delivering'
}

/**
 * Waits until the call has ended, at most for `ms`. Returns the payment as it is then; null when nobody else may
 * wait, so that the caller is answered at once.
 */
export async function waitFor(
  payment: Payment,
  ms: number,
  gone: Gone,
  { ledger, waiting }: Pick<Deps, 'ledger' | 'waiting'>,
): Promise<Payment | null> {
  const place = waiting.enter(payment.id)
  if (place === null) return null
  const signal = AbortSignal.any([signalOf(gone), AbortSignal.timeout(ms)])
  try {
    for (let open = true; ; ) {
      const current = (await ledger.payment({ id: payment.id })) ?? payment
      if (!isRunning(current) || signal.aborted || !open) return current
      open = await place.next(lookMs, signal)
    }
  } finally {
    place.leave()
  }
}

/**
 * Seconds that the caller is willing to wait (RFC 7240, `Prefer: wait=N`), at most `most`; null when it did not say, said
 * nothing usable, or may not wait. The first mention counts.
 */
export function preferredWait(prefer: string | null, most: number): number | null {
  for (const preference of (prefer ?? '').slice(0, 1_024).split(',')) {
    const [name = '', value = ''] = (preference.split(';')[0] ?? '').split('=', 2).map((part) => part.trim())
    if (name.toLowerCase() !== 'wait') continue
    const digits = /^"?(\d{1,9})"?$/.exec(value)?.[1]
    const seconds = digits === undefined ? 0 : Math.min(Number(digits), most)
    return seconds > 0 ? seconds : null
  }
  return null
}
