import { parentPort, workerData } from 'node:worker_threads'
import Database from 'better-sqlite3'

/** Often enough that what is left to a commit is little. With nothing to copy it costs microseconds. */
const everyMs = 250

const database = new Database(workerData as string, { fileMustExist: true, timeout: 0 })
// The log is made durable before it is copied, and the file before the log is started over.
database.pragma('synchronous = NORMAL')
const timer = setInterval(() => {
  try {
    // Passive: waits for nobody and keeps nobody waiting.
    database.pragma('wal_checkpoint(PASSIVE)')
  } catch {
    // A disk that is full, or a file that another process copies to right now: the log stays as it is, and the next one tries.
  }
}, everyMs)
parentPort?.once('message', () => {
  clearInterval(timer)
  database.close()
})
