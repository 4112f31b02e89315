import { AsyncLocalStorage } from 'node:async_hooks'
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import timers from 'node:timers/promises'
import type { Random } from './Random.ts'
import type { Scheduler } from './Scheduler.ts'

const processes = new AsyncLocalStorage<Process>()

/** What code runs in: once it is dead, its timers are too. */
export type Process = { readonly alive: boolean }

/** Runs work as part of a simulated process, with all that follows from it. */
export const within = <T>(process: Process, work: () => T): T => processes.run(process, work)

/**
 * Puts virtual time and seeded chance in the place of the real ones, for everything in this process: timers, `Date.now`,
 * `AbortSignal.timeout`, random bytes and UUIDs. The code under test is the real code, and knows nothing of it.
 * @returns takes it all back.
 */
export function virtualTime(scheduler: Scheduler, random: Random): () => void {
  const real = {
    setTimeout: globalThis.setTimeout,
    clearTimeout: globalThis.clearTimeout,
    now: Date.now,
    timeout: AbortSignal.timeout,
    sleep: timers.setTimeout,
    randomBytes: crypto.randomBytes,
    randomUUID: crypto.randomUUID,
    values: globalThis.crypto.getRandomValues,
  }
  const bytes = (size: number) => Buffer.from(random.bytes(new Uint8Array(size)))

  /** Time goes on for the living only. */
  const after = (ms: number, work: () => void): (() => void) => {
    const process = processes.getStore()
    if (process === undefined) return scheduler.after(ms, work)
    if (!process.alive) return () => {}
    return scheduler.after(ms, () => {
      if (process.alive) within(process, work)
    })
  }
  const set = (work: (...given: unknown[]) => void, ms = 0, ...given: unknown[]) =>
    new VirtualTimer(after(ms, () => work(...given)))
  const clear = (timer: unknown) => {
    if (timer instanceof VirtualTimer) timer.cancel()
    else real.clearTimeout(timer as NodeJS.Timeout)
  }
  const sleep = (ms = 0, value?: unknown, options: { signal?: AbortSignal } = {}) =>
    new Promise((resolve, reject) => {
      const { signal } = options
      if (signal?.aborted) return reject(signal.reason)
      const cancel = after(ms, () => resolve(value))
      signal?.addEventListener('abort', () => {
        cancel()
        reject(signal.reason)
      })
    })
  const timeout = (ms: number) => {
    const controller = new AbortController()
    after(ms, () => controller.abort(new DOMException('The time is over.', 'TimeoutError')))
    return controller.signal
  }

  Object.assign(globalThis, { setTimeout: set, clearTimeout: clear })
  Object.assign(Date, { now: () => scheduler.now() })
  Object.assign(AbortSignal, { timeout })
  Object.assign(timers, { setTimeout: sleep })
  Object.assign(crypto, { randomBytes: bytes, randomUUID: () => uuid(bytes(16)) })
  globalThis.crypto.getRandomValues = ((array: Uint8Array) => {
    random.bytes(new Uint8Array(array.buffer, array.byteOffset, array.byteLength))
    return array
  }) as typeof real.values
  syncBuiltinESMExports()

  return () => {
    Object.assign(globalThis, { setTimeout: real.setTimeout, clearTimeout: real.clearTimeout })
    Object.assign(Date, { now: real.now })
    Object.assign(AbortSignal, { timeout: real.timeout })
    Object.assign(timers, { setTimeout: real.sleep })
    Object.assign(crypto, { randomBytes: real.randomBytes, randomUUID: real.randomUUID })
    globalThis.crypto.getRandomValues = real.values
    syncBuiltinESMExports()
  }
}

/** What `setTimeout` returns. */
class VirtualTimer {
  readonly cancel: () => void

  constructor(cancel: () => void) {
    this.cancel = cancel
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }

  hasRef(): boolean {
    return false
  }
}

function uuid(bytes: Buffer): string {
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
