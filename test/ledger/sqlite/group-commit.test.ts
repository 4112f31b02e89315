import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import {
  LedgerClosedError,
  LedgerIntegrityError,
  LedgerUnavailableError,
  LedgerUnsafeError,
} from '../../../gateway/ledger/errors.ts'
import { GroupCommit } from '../../../gateway/ledger/sqlite/group-commit.ts'
import { groupsSpared, LoopWait, quickMs, smallGroup } from '../../../gateway/ledger/sqlite/LoopWait.ts'
import type { WalFile } from '../../../gateway/ledger/sqlite/wal-file.ts'
import { testClock } from '../fixtures.ts'
import { testFolder } from '../test-folder.ts'

describe('GroupCommit', () => {
  let path: string
  let database: Database.Database
  let groups: GroupCommit.Group[]
  let commits: GroupCommit
  beforeEach(() => {
    path = join(testFolder(), 'group.sqlite')
    database = open()
    database.exec('CREATE TABLE rows (id INTEGER PRIMARY KEY, bytes BLOB)')
    database.exec('CREATE TABLE children (id INTEGER REFERENCES rows (id) DEFERRABLE INITIALLY DEFERRED)')
    groups = []
    commits = new GroupCommit(database, { onCommit: (group) => groups.push(group), maxGroup: 10 })
  })

  function open(): Database.Database {
    const opened = new Database(path, { timeout: 20 })
    opened.pragma('journal_mode = WAL')
    opened.pragma('foreign_keys = ON')
    onTestFinished(() => void opened.close())
    return opened
  }
  const insert = (id: number, bytes = 1) =>
    database.prepare<[number, Buffer]>('INSERT INTO rows VALUES (?, ?)').run(id, Buffer.alloc(bytes)).changes
  const ids = () =>
    open()
      .prepare<[], { id: number }>('SELECT id FROM rows ORDER BY id')
      .all()
      .map(({ id }) => id)

  test('default: what arrives in one turn shares a commit, and is durable when it resolves', async () => {
    const results = await Promise.all([1, 2, 3].map((id) => commits.run(() => insert(id))))
    expect(results).toEqual([1, 1, 1])
    expect(groups).toEqual([{ operations: 3, failed: 0 }])
    expect(ids()).toEqual([1, 2, 3])
  })

  test('behavior: one that throws is rolled back alone (neighbours are not failed)', async () => {
    const failing = commits.run(() => {
      insert(2)
      throw new Error('mine')
    })
    const settled = await Promise.allSettled([
      commits.run(() => insert(1)),
      failing,
      commits.run(() => insert(3)),
    ])
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(ids()).toEqual([1, 3])
    expect(groups).toEqual([{ operations: 3, failed: 1 }])
  })

  test('behavior: a group is bounded, the rest follows in its order', async () => {
    const order: number[] = []
    const all = Array.from({ length: 25 }, (_, id) =>
      commits.run(() => insert(id)).then(() => order.push(id)),
    )
    await Promise.all(all)
    expect(groups.map(({ operations }) => operations)).toEqual([10, 10, 5])
    expect(order).toEqual([...order].sort((a, b) => a - b))
  })

  test('behavior: a group waits for what comes turn by turn, and for no more than four turns (nobody waits for ever)', async () => {
    const all: Promise<number>[] = []
    for (let id = 1; groups.length === 0; id++) {
      all.push(commits.run(() => insert(id)))
      await setImmediate()
    }
    await Promise.all(all)
    expect(groups[0]).toEqual({ operations: 4, failed: 0 })
    expect(ids()).toHaveLength(all.length)
  })

  test('behavior: what is asked while a group waits comes after it', async () => {
    const first = commits.run(() => insert(1)).then(() => commits.run(() => insert(2)))
    await first
    expect(groups).toHaveLength(2)
  })

  test('behavior: close commits what is queued and takes no more', async () => {
    const queued = Array.from({ length: 25 }, (_, id) => commits.run(() => insert(id)))
    commits.close()
    await Promise.all(queued)
    expect(ids()).toHaveLength(25)
    await expect(commits.run(() => insert(99))).rejects.toThrow(LedgerClosedError)
  })

  test('error: COMMIT that fails rejects the whole group and leaves nothing (no money on a failed commit)', async () => {
    const orphan = () => database.prepare('INSERT INTO children VALUES (99)').run()
    const settled = await Promise.allSettled([commits.run(() => insert(1)), commits.run(orphan)])
    for (const outcome of settled) {
      expect(outcome.status).toBe('rejected')
      expect(outcome).toMatchObject({ reason: expect.any(LedgerIntegrityError) })
    }
    expect(ids()).toEqual([])
    await commits.run(() => insert(5))
    expect(ids()).toEqual([5])
  })

  test('error: another process that keeps the write lock fails the group cleanly, and it may be asked again', async () => {
    const other = open()
    other.exec('BEGIN IMMEDIATE')
    const settled = await Promise.allSettled([1, 2].map((id) => commits.run(() => insert(id))))
    for (const outcome of settled)
      expect(outcome).toMatchObject({ reason: expect.any(LedgerUnavailableError) })
    other.exec('ROLLBACK')
    expect(ids()).toEqual([])
    await commits.run(() => insert(1))
    expect(ids()).toEqual([1])
  })

  test('error: a full disk fails what does not fit; nothing of it is kept', async () => {
    database.pragma('max_page_count = 20')
    const settled = await Promise.allSettled([
      commits.run(() => insert(1)),
      commits.run(() => insert(2, 500_000)),
    ])
    expect(settled[1]).toMatchObject({ status: 'rejected', reason: expect.any(LedgerUnavailableError) })
    expect(ids()).toEqual(settled[0]?.status === 'fulfilled' ? [1] : [])
    database.pragma('max_page_count = 100000')
    await commits.run(() => insert(3))
    expect(ids()).toContain(3)
    expect(ids()).not.toContain(2)
  })
})

/** A log in which rows are durable once `wal` says so. */
function openRows(): Database.Database {
  const database = new Database(join(testFolder(), 'beside.sqlite'))
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = NORMAL')
  database.exec('CREATE TABLE rows (id INTEGER PRIMARY KEY)')
  onTestFinished(() => void database.close())
  return database
}

/** A disk that confirms when it is told to: no real one can be made to wait, or to fail, at a given moment. */
function slowDisk(clock = testClock()) {
  const asked: PromiseWithResolvers<void>[] = []
  let now = 0
  let failsNow = false
  let takesNow = 0
  const wal: WalFile = {
    sync() {
      const one = Promise.withResolvers<void>()
      asked.push(one)
      return one.promise
    },
    syncNow: () => {
      now++
      clock.advance(takesNow)
      if (failsNow) throw new Error('EIO')
    },
    close: async () => {},
  }
  const failNow = () => {
    failsNow = true
  }
  const takeNow = (ms: number) => {
    takesNow = ms
  }
  return { wal, asked, now: () => now, failNow, takeNow }
}

/** A group begins after a turn that brought nothing more for it. */
async function begun(): Promise<void> {
  await setImmediate()
  await setImmediate()
}

describe('GroupCommit, with the disk beside it', () => {
  let database: Database.Database
  let disk: ReturnType<typeof slowDisk>
  let groups: GroupCommit.Group[]
  let commits: GroupCommit
  beforeEach(() => {
    database = openRows()
    disk = slowDisk()
    groups = []
    commits = new GroupCommit(database, { wal: disk.wal, onCommit: (group) => groups.push(group) })
  })

  const insert = (id: number) => database.prepare<[number]>('INSERT INTO rows VALUES (?)').run(id).changes
  const turn = () => setImmediate()
  const isDone = async (promise: Promise<unknown>) => {
    let done = false
    const end = () => {
      done = true
    }
    promise.then(end, end)
    await turn()
    return done
  }

  test('default: nothing is answered before the disk has confirmed it, and nothing is read as certain', async () => {
    const first = commits.run(() => insert(1))
    const read = commits.durable()
    await begun()
    const late = commits.durable()
    expect(await isDone(read)).toBe(true)
    expect(await isDone(first)).toBe(false)
    expect(await isDone(late)).toBe(false)
    disk.asked[0]?.resolve()
    await Promise.all([first, late])
  })

  test('behavior: what arrives while the disk is waited for is one group, and begins afterwards', async () => {
    const first = commits.run(() => insert(1))
    await begun()
    const ran: number[] = []
    const rest = [2, 3].map((id) => commits.run(() => ran.push(id)))
    await begun()
    expect(ran).toEqual([])
    disk.asked[0]?.resolve()
    await first
    await begun()
    expect(ran).toEqual([2, 3])
    expect(disk.asked).toHaveLength(2)
    disk.asked[1]?.resolve()
    await Promise.all(rest)
  })

  test('error: a disk that does not confirm leaves it unknown: nothing is answered, taken or read any more', async () => {
    const first = commits.run(() => insert(1))
    await begun()
    const second = commits.run(() => insert(2))
    disk.asked[0]?.reject(new Error('EIO'))
    await expect(first).rejects.toThrow(LedgerUnsafeError)
    await expect(second).rejects.toThrow(LedgerUnsafeError)
    await expect(commits.run(() => insert(3))).rejects.toThrow(LedgerUnsafeError)
    await expect(commits.durable()).rejects.toThrow(LedgerUnsafeError)
    expect(database.prepare('SELECT id FROM rows').all()).toEqual([{ id: 1 }])
  })

  test('behavior: close waits for the disk at once, for all that was asked', async () => {
    const first = commits.run(() => insert(1))
    await begun()
    const second = commits.run(() => insert(2))
    commits.close()
    await Promise.all([first, second])
    expect(disk.now()).toBe(2)
    expect(groups).toHaveLength(2)
    for (const one of disk.asked) one.resolve()
    await turn()
    // What the sync that ran hears afterwards ends no group twice.
    expect(groups).toHaveLength(2)
    await expect(commits.run(() => insert(3))).rejects.toThrow(LedgerClosedError)
  })

  test('error: a disk that fails at the close, and then says that all is well, is not believed', async () => {
    const first = commits.run(() => insert(1))
    await begun()
    const second = commits.run(() => insert(2))
    disk.failNow()
    commits.close()
    for (const one of disk.asked) one.resolve()
    await expect(first).rejects.toThrow(LedgerUnsafeError)
    await expect(second).rejects.toThrow(LedgerUnsafeError)
    expect(database.prepare('SELECT id FROM rows').all()).toEqual([{ id: 1 }])
  })
})

describe('GroupCommit, which waits for the disk itself when a group is small', () => {
  let database: Database.Database
  let disk: ReturnType<typeof slowDisk>
  let commits: GroupCommit
  beforeEach(() => {
    const clock = testClock()
    database = openRows()
    disk = slowDisk(clock)
    commits = new GroupCommit(database, { wal: disk.wal, loopWait: new LoopWait(clock) })
  })

  const stored = () => database.prepare<[], { id: number }>('SELECT id FROM rows').all().length
  const run = (count: number, from = 1) =>
    Promise.all(
      Array.from({ length: count }, (_, index) =>
        commits.run(
          () => database.prepare<[number]>('INSERT INTO rows VALUES (?)').run(from + index).changes,
        ),
      ),
    )

  test('default: a small group is answered after the disk confirmed it, in the loop (no thread is waited for)', async () => {
    await run(smallGroup)
    expect(disk.now()).toBe(1)
    expect(disk.asked).toEqual([])
    expect(stored()).toBe(smallGroup)
  })

  test('behavior: a large group is left to the thread (the loop serves other calls meanwhile)', async () => {
    const large = run(smallGroup + 1)
    await begun()
    expect(disk.now()).toBe(0)
    disk.asked[0]?.resolve()
    await large
    await run(1, 100)
    expect(disk.now()).toBe(1)
  })

  test('behavior: a slow disk does not stop the loop again and again: the thread waits for the next groups', async () => {
    disk.takeNow(quickMs)
    await run(1, 1)
    await run(1, 2)
    disk.takeNow(quickMs + 1)
    await run(1, 3)
    expect(disk.now()).toBe(3)
    for (let group = 0; group < groupsSpared; group++) {
      const one = run(1, 10 + group)
      await begun()
      disk.asked[group]?.resolve()
      await one
    }
    expect(disk.now()).toBe(3)
    await run(1, 1_000)
    expect(disk.now()).toBe(4)
  })

  test('error: a disk that does not confirm leaves it unknown: nothing is answered, taken or read any more', async () => {
    disk.failNow()
    await expect(run(1)).rejects.toThrow(LedgerUnsafeError)
    await expect(run(1, 2)).rejects.toThrow(LedgerUnsafeError)
    await expect(commits.durable()).rejects.toThrow(LedgerUnsafeError)
    expect(commits.isUnsafe).toBe(true)
    expect(disk.now()).toBe(1)
    expect(stored()).toBe(1)
  })
})
