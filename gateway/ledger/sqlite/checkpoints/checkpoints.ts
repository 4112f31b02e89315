import { Worker } from 'node:worker_threads'

/** Copies of the log into the file, made beside the event loop. */
export type Checkpoints = {
  /** Ends them. Waits for one that runs; asking twice is ending once. */
  close(): Promise<void>
}

/**
 * How many pages of log make a commit copy them itself, when nobody did before: 64 MB. A log that is written without a pause is
 * started over only by who writes it.
 */
export const mostPages = 16_384

/**
 * Copies what was committed from the log of a database into its file, again and again, in a thread with a connection of its
 * own. A commit that does it stands still for tens of milliseconds, with every call of the process. Nothing relies on it: should
 * the thread end, commits do it as before.
 */
export function startCheckpoints(path: string): Checkpoints {
  const worker = new Worker(new URL('./checkpoint-worker.ts', import.meta.url), { workerData: path })
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  worker.on('error', () => {})
  worker.unref()
  return {
    close() {
      // Who closes waits for it: the process must not end first.
      worker.ref()
      worker.postMessage('close')
      return ended
    },
  }
}
