import { mkdir, open, readFile, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, systemClock } from '../clock.ts'
import type { ChannelStore } from './ChannelStore.ts'
import { withLock } from './lock.ts'
import { copy, empty, parse, type State, serialize } from './State.ts'

/**
 * A store in a directory: `state.json`, written whole to a new file, synced, and renamed over the old one. Several
 * processes may share it. Changes that arrive together share one write. Files are readable by their owner only.
 * @param directory made when missing.
 */
export function createFileStore(directory: string, options: { clock?: Clock } = {}): ChannelStore {
  const path = join(directory, 'state.json')
  const clock = options.clock ?? systemClock
  let waiting: Job[] = []
  let writing = false

  async function drain(): Promise<void> {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    while (waiting.length > 0)
      await withLock(join(directory, 'lock'), clock, async () => {
        const jobs = waiting
        waiting = []
        try {
          await apply(path, jobs)
        } catch (error) {
          for (const job of jobs) job.reject(error)
        }
      })
  }

  async function run(): Promise<void> {
    try {
      await drain()
    } catch (error) {
      const jobs = waiting
      waiting = []
      for (const job of jobs) job.reject(error)
    } finally {
      writing = false
      start()
    }
  }

  function start(): void {
    if (writing || waiting.length === 0) return
    writing = true
    run().catch(() => {})
  }

  return {
    read: () => load(path),
    update: (change) =>
      new Promise((resolve, reject) => {
        let outcome: ReturnType<typeof change>
        waiting.push({
          change: (state) => {
            outcome = change(state)
          },
          resolve: () => resolve(outcome),
          reject,
        })
        start()
      }),
  }
}

type Job = { change: (state: State) => void; resolve: () => void; reject: (error: unknown) => void }

/** Applies the jobs in order, each to its own copy, writes once, and only then tells them. */
async function apply(path: string, jobs: readonly Job[]): Promise<void> {
  let state = await load(path)
  const done: Job[] = []
  for (const job of jobs) {
    const draft = copy(state)
    try {
      job.change(draft)
    } catch (error) {
      job.reject(error)
      continue
    }
    state = draft
    done.push(job)
  }
  if (done.length > 0) await write(path, serialize(state))
  for (const job of done) job.resolve()
}

async function load(path: string): Promise<State> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return empty()
    throw error
  }
  return parse(text)
}

async function write(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`
  const file = await open(temporary, 'w', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  try {
    await rename(temporary, path)
  } catch (error) {
    await unlink(temporary).catch(() => {})
    throw error
  }
  const folder = await open(join(path, '..'), 'r')
  await folder.sync().finally(() => folder.close())
}
