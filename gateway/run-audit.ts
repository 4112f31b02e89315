import { Worker } from 'node:worker_threads'
import type { auditBooks, BooksAudit } from './audit-books.ts'

/**
 * Audits in a thread of its own. Aborting ends the thread, once it has loaded its modules: terminated before that, it may take the whole
 * process with it ("Check failed: (location_) != nullptr", Node 24).
 */
export function runAudit(options: auditBooks.Options, signal: AbortSignal): Promise<BooksAudit> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const worker = new Worker(new URL('./audit-worker.ts', import.meta.url), { workerData: options })
    let hasStarted = false
    const abort = () => void (hasStarted && worker.terminate())
    signal.addEventListener('abort', abort, { once: true })
    worker.unref()
    worker.on('message', (message: 'started' | BooksAudit) => {
      if (message !== 'started') return resolve(message)
      hasStarted = true
      if (signal.aborted) abort()
    })
    worker.once('error', reject)
    worker.once('exit', (code) => {
      signal.removeEventListener('abort', abort)
      // After a message this changes nothing.
      reject(new Error(`The audit ended without a result (exit code ${code}).`))
    })
  })
}
