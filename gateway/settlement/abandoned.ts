import { type Report, silent } from '../chain/Report.ts'
import type { Ledger } from '../ledger/Ledger.ts'
import type { Payment } from '../ledger/Payment.ts'
import { endOpenPayment } from './recover-open-payments.ts'
import { createTimer } from './timer.ts'

/**
 * Payments whose request is over and could not write how it ended: the disk was full, or the books were locked. Nobody
 * else would end them before the next start, and until then they hold what they reserved and answer 409.
 */
export type Abandoned = {
  /** The request of this payment is over, by an error. What has ended already is left as it is. */
  add(paymentId: string): void
  /** Ends what was abandoned as a restart would. What cannot be written yet stays for the next time. */
  tick(): Promise<void>
  start(): void
  /** Stops, and waits for the tick under way. */
  stop(): Promise<void>
}

export function createAbandoned(options: {
  ledger: Pick<Ledger, 'payment' | 'answer' | 'void' | 'refund' | 'complete' | 'lost' | 'unknown' | 'doubts'>
  report?: Report
  /** Time between ticks. Default 5,000. */
  everyMs?: number
}): Abandoned {
  const { ledger, report = silent, everyMs = 5_000 } = options
  const ids = new Set<string>()

  async function end(id: string): Promise<void> {
    // Its caller could be told neither that it was paid nor that it was not.
    await ledger.doubts.add(id, { unlessEnded: true })
    const payment = await ledger.payment({ id })
    const reason = 'The gateway could not write how it ended.'
    const ending = payment === null ? null : await endOpenPayment(payment, reason, { ledger, report })
    // Its money may be moving: the resolver asks after it, from its next look on.
    if (ending === 'left' && payment?.money === 'settling') await ledger.unknown(id, reason)
    ids.delete(id)
  }

  /**
   * Looks at once: what has ended is free to be claimed again, under the same id, by a call that nobody abandoned. What has
   * not ended cannot be. A doubt is told before anything is waited for, and if it cannot be written, again before it is ended.
   */
  async function note(id: string): Promise<void> {
    const told = ledger.doubts.add(id, { unlessEnded: true }).catch(() => {})
    const payment = await ledger.payment({ id }).catch(() => undefined)
    if (payment !== null && (payment === undefined || runs(payment) || payment.money === 'settling'))
      ids.add(id)
    await told
  }

  async function tick(): Promise<void> {
    for (const id of [...ids])
      await end(id).catch((error: unknown) =>
        report('warn', 'ending-failed', {
          payment: id,
          error: error instanceof Error ? error.message : String(error),
        }),
      )
  }

  const timer = createTimer(everyMs, tick, () => {})
  return {
    add: (paymentId) => void note(paymentId),
    tick,
    start: timer.start,
    stop: timer.stop,
  }
}

const runs = ({ delivery }: Payment) => delivery === 'held' || delivery === 'delivering'
