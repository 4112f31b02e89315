import { open, readFile, stat, unlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import type { Clock } from '../clock.ts'

/** Milliseconds after which a lock whose holder cannot be asked is taken for abandoned. Writes take a few. */
const staleAfter = 30_000

/**
 * Holds `path` as a lock over processes while `work` runs: created with O_EXCL, removed afterwards. A lock whose process
 * is gone, or that is older than half a minute, is broken, by one process at a time.
 * @throws {LockError} not free within `patience` milliseconds.
 */
export async function withLock<result>(
  path: string,
  clock: Clock,
  work: () => Promise<result>,
  patience = 15_000,
): Promise<result> {
  const deadline = clock.now() + patience
  for (let delay = 2; !(await take(path)); delay = Math.min(delay * 2, 50)) {
    if (await isStale(path, clock)) await breakLock(path, clock)
    else if (clock.now() > deadline) throw new LockError(path)
    else await clock.wait(delay)
  }
  try {
    return await work()
  } finally {
    await unlink(path).catch(() => {})
  }
}

async function take(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx', 0o600)
    await file.writeFile(`${process.pid} ${hostname()}\n`)
    await file.close()
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  }
}

async function isStale(path: string, clock: Clock): Promise<boolean> {
  try {
    const [text, { mtimeMs }] = [await readFile(path, 'utf8'), await stat(path)]
    if (clock.now() - mtimeMs > staleAfter) return true
    const [pid, host] = text.trim().split(' ')
    return host === hostname() && pid !== undefined && !isAlive(Number(pid))
  } catch {
    return false
  }
}

/** Under a second lock, so that nobody removes the fresh lock of somebody who was quicker. */
async function breakLock(path: string, clock: Clock): Promise<void> {
  const breaking = `${path}.break`
  if (!(await take(breaking))) {
    if (await isStale(breaking, clock)) await unlink(breaking).catch(() => {})
    return
  }
  try {
    if (await isStale(path, clock)) await unlink(path).catch(() => {})
  } finally {
    await unlink(breaking).catch(() => {})
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return !hasCode(error, 'ESRCH')
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

/** Somebody holds the lock and does not let go. */
export class LockError extends Error {
  override readonly name = 'LockError'
  constructor(path: string) {
    super(
      `The lock ${path} is held by another process. Fix: wait for it, or remove the file if none is running.`,
    )
  }
}
