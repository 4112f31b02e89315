import { Worker } from 'node:worker_threads'
import type { EscrowDomain } from '../../protocol/Voucher.ts'
import type { Report } from '../Report.ts'
import type { SignedVoucher } from './SignedVoucher.ts'

/** Fewer than these in a turn of the event loop are checked there: the loop is not the limit, and asking a thread takes longer. */
const least = 2
/** More than these are never with the thread: the rest is checked in the loop, so that both are at work. */
const most = 128

/**
 * Checks vouchers in a thread of its own, where there is a core for it: to recover a signer takes a fifth of what a paid call takes the
 * event loop. It is started when it is first of use. A thread that fails is not needed: everything can be checked in the loop too.
 */
export class VoucherThread {
  readonly #domain: EscrowDomain
  readonly #report: Report
  #worker: Worker | null = null
  #state: 'none' | 'starting' | 'ready' | 'over' = 'none'
  #waiting: Waiting[] = []
  #vouchers = 0

  constructor(domain: EscrowDomain, report: Report) {
    this.#domain = domain
    this.#report = report
  }

  /** Whether each was signed by its account; null where they are better checked by who asks. Rejects when the thread ends before that. */
  check(batch: readonly SignedVoucher[]): Promise<boolean[]> | null {
    if (batch.length < least) return null
    if (this.#state === 'none') this.#start()
    if (this.#state !== 'ready' || this.#vouchers + batch.length > most) return null
    this.#vouchers += batch.length
    this.#worker?.postMessage(batch satisfies VoucherThread.Asked)
    return new Promise((resolve, reject) => this.#waiting.push({ count: batch.length, resolve, reject }))
  }

  /**
   * Rejects what the thread was asked for, and waits until it has ended by itself: terminated while it still loads its modules, it may
   * take the whole process with it ("Check failed: (location_) != nullptr", Node 24).
   */
  async close(): Promise<void> {
    const hasEnded = this.#state === 'over'
    this.#end(new Error('The gateway is stopping.'))
    if (this.#worker === null || hasEnded) return
    const worker = this.#worker
    worker.ref()
    worker.postMessage('end' satisfies VoucherThread.Asked)
    await new Promise((resolve) => worker.once('exit', resolve))
  }

  #start(): void {
    this.#state = 'starting'
    try {
      this.#worker = this.#create()
    } catch (error) {
      this.#lost(error)
    }
  }

  #create(): Worker {
    const worker = new Worker(new URL('./voucher-worker.ts', import.meta.url), {
      workerData: this.#domain,
      // It keeps nothing from one batch to the next.
      resourceLimits: { maxYoungGenerationSizeMb: 4 },
    })
    worker.unref()
    worker.on('message', (message: 'ready' | boolean[]) => {
      if (message === 'ready') {
        if (this.#state === 'starting') this.#state = 'ready'
        return
      }
      const answered = this.#waiting.shift()
      if (answered === undefined) return
      this.#vouchers -= answered.count
      answered.resolve(message)
    })
    worker.once('error', (error) => this.#lost(error))
    worker.once('exit', (code) => this.#lost(new Error(`The thread ended (exit code ${code}).`)))
    return worker
  }

  #lost(cause: unknown): void {
    if (this.#state === 'over') return
    this.#report('warn', 'voucher-thread-lost', { cause: String(cause) })
    this.#end(cause)
  }

  #end(cause: unknown): void {
    this.#state = 'over'
    for (const { reject } of this.#waiting.splice(0)) reject(cause)
  }
}

export declare namespace VoucherThread {
  /** What the thread is told. */
  type Asked = readonly SignedVoucher[] | 'end'
}

type Waiting = { count: number; resolve(answers: boolean[]): void; reject(cause: unknown): void }
