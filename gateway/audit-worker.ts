import { parentPort, workerData } from 'node:worker_threads'
import { type auditBooks, auditBooks as run } from './audit-books.ts'

/** The thread of one scheduled audit: reading a large ledger takes long, and delays no caller from here. */
parentPort?.postMessage(await run(workerData as auditBooks.Options))
