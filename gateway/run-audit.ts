import { Worker } from 'node:worker_threads'
import type { auditBooks, BooksAudit } from './audit-books.ts'

/** Audits in a thread of its own. Aborting ends the thread. */
export function runAudit(options: auditBooks.Options, signal: AbortSignal): Promise<BooksAudit> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const worker = new Worker(new URL('./audit-worker.ts', import.meta.url), { workerData: options })
    const abort = () => void worker.terminate()
    signal.addEventListener('abort', abort, { once: true })
    worker.unref()
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', (code) => {
      signal.removeEventListener('abort', abort)
      // After a message this changes nothing.
      reject(new Error(`The audit ended without a result (exit code ${code}).`))
    })
  })
}
