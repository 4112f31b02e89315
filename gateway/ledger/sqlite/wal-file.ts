import { closeSync, fdatasync, fdatasyncSync, openSync } from 'node:fs'

/**
 * The write-ahead log of an open database, to be made durable beside SQLite. It may be opened and closed freely: SQLite's
 * locks are on the other two files. While a connection is open it is the same file, started over from its beginning.
 */
export type WalFile = {
  /** Makes durable whatever was committed before, by any process, while this one goes on with other things. */
  sync(): Promise<void>
  /** The same at once. */
  syncNow(): void
  /** Waits for a sync that runs. Asking twice is closing once. */
  close(): Promise<void>
}

/** Opens the log of a database that is open and in WAL mode. */
export function openWal(database: string): WalFile {
  const file = openSync(`${database}-wal`, 'r+')
  const running = new Set<Promise<void>>()
  let isOpen = true
  return {
    sync() {
      const done = new Promise<void>((resolve, reject) =>
        fdatasync(file, (error) => (error === null ? resolve() : reject(error))),
      )
      running.add(done)
      return done.finally(() => running.delete(done))
    },
    syncNow: () => fdatasyncSync(file),
    async close() {
      await Promise.allSettled(running)
      if (isOpen) closeSync(file)
      isOpen = false
    },
  }
}
