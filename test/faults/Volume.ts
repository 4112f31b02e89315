import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import type { House } from './house.ts'

/** A real way for the place where the books are to be full, and to have room again. */
export type Volume = {
  name: string
  /** Why it cannot be had here; null when it can. */
  missing: string | null
  /** Makes it inside a folder, and returns where. */
  make(directory: string): string
  /** From here on nothing more can be written. */
  fill(place: Place): void
  /** There is room again. */
  free(place: Place): void
  unmake(place: Place): void
}
/** Where the books are, and the process that writes them. */
type Place = Pick<House, 'directory' | 'database' | 'pid'>

function mount(at: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', at], { stdio: 'pipe' })
}

/** A file system of its own in memory, filled to its last page: `SQLITE_FULL`. */
export const smallDisk: Volume = {
  name: 'a disk without room',
  missing: refusal(() => {
    const at = mkdtempSync(join(tmpdir(), 'farthing-mount-'))
    mount(at)
    execFileSync('umount', [at], { stdio: 'pipe' })
    rmSync(at, { recursive: true })
  }),
  make(directory) {
    const at = join(directory, 'disk')
    mkdirSync(at)
    mount(at)
    return at
  },
  fill({ directory, database }) {
    cutLog(database)
    const page = Buffer.alloc(4_096)
    for (;;)
      try {
        appendFileSync(join(directory, 'disk', 'ballast'), page)
      } catch {
        return
      }
  },
  free: ({ directory }) => rmSync(join(directory, 'disk', 'ballast'), { force: true }),
  unmake: ({ directory }) => void execFileSync('umount', [join(directory, 'disk')], { stdio: 'pipe' }),
}

/** A limit on the size of the process's files, set and lifted while it runs: writes fail, `SQLITE_IOERR_WRITE`. */
const smallFiles: Volume = {
  name: 'a limit on the size of files',
  missing: refusal(() => execFileSync('prlimit', ['--version'], { stdio: 'pipe' })),
  make: (directory) => directory,
  fill(home) {
    cutLog(home.database)
    limit(home, String(statSync(`${home.database}-wal`).size))
  },
  free: (home) => limit(home, 'unlimited'),
  unmake: () => {},
}

export const volumes: readonly Volume[] = [smallDisk, smallFiles]

/** Cuts the write-ahead log off where it ends: in what it was before it last began anew there would be room still. */
function cutLog(path: string): void {
  const database = new Database(path)
  database.pragma('wal_checkpoint(TRUNCATE)')
  database.close()
}

function limit(home: Place, bytes: string): void {
  const pid = home.pid()
  if (pid !== null) execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:`], { stdio: 'pipe' })
}

function refusal(tryIt: () => unknown): string | null {
  try {
    tryIt()
    return null
  } catch (error) {
    return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
  }
}
