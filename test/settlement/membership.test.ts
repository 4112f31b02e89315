import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import type { Ledger } from '../../gateway/ledger/Ledger.ts'
import { openSqliteLedger } from '../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import { createMembership } from '../../gateway/settlement/Membership.ts'
import type { Process } from '../../gateway/settlement/Process.ts'
import { testFolder } from '../ledger/test-folder.ts'

let path: string
/** Pids that live, of those that can be asked after. */
let living: Set<number>
let reports: string[]
beforeEach(() => {
  path = join(testFolder(), 'ledger.sqlite')
  living = new Set()
  reports = []
})

type Member = { ledger: Ledger; member: ReturnType<typeof createMembership> }

/** A gateway on the books of this test, which beats when it is told to. */
async function member(pid: number, host = 'here'): Promise<Member> {
  const ledger = await openSqliteLedger({ path })
  const process: Process = {
    host,
    pid,
    born: null,
    lives: (other) => (other.host === host ? living.has(other.pid) : null),
  }
  living.add(pid)
  const made = createMembership({
    ledger,
    process,
    report: (_level, event) => void reports.push(`${pid} ${event}`),
    beatMs: 5,
    mostMissed: 3,
  })
  onTestFinished(async () => {
    await made.leave()
    await ledger.close()
  })
  return { ledger, member: made }
}

/** Registers without a timer of its own: it stands still until it is told to beat. */
async function standing(pid: number, host = 'here'): Promise<Ledger> {
  const ledger = await openSqliteLedger({ path })
  onTestFinished(() => ledger.close())
  living.add(pid)
  await ledger.instances.join({ id: `standing-${pid}`, host, pid, born: null })
  return ledger
}

describe('createMembership', () => {
  test('default: alone it leads at once; the second one does not, until the first has left', async () => {
    const [one, two] = [await member(1), await member(2)]
    await one.member.join()
    await two.member.join()
    expect([one.member.leads(), two.member.leads()]).toEqual([true, false])
    await one.member.leave()
    await two.member.beat()
    expect([one.member.leads(), two.member.leads()]).toEqual([false, true])
  })

  test('behavior: the row of a process that is gone is taken over at once, by whoever starts next', async () => {
    await standing(1)
    living.delete(1)
    const two = await member(2)
    await two.member.join()
    expect(two.member.leads()).toBe(true)
    expect(reports).toEqual(['2 instance-taken-over', '2 instance-leads'])
  })

  test('behavior: one that lives and stands still is taken over after as many beats of ours, and not before', async () => {
    const first = await standing(1)
    const two = await member(2)
    await two.member.join()
    await two.member.leave()
    const three = await member(3)
    const { beat } = three.member
    await three.ledger.instances.join({ id: three.member.id, host: 'here', pid: 3, born: null })
    for (let beats = 0; beats < 3; beats += 1) await beat()
    await first.instances.beat()
    for (let beats = 0; beats < 3; beats += 1) await beat()
    expect(three.member.leads()).toBe(false)
    await beat()
    expect(three.member.leads()).toBe(true)
  })

  test('behavior: behind a leader that cannot be asked after, a start waits until it has beaten or is taken over', async () => {
    const first = await standing(1, 'elsewhere')
    const two = await member(2)
    const joining = two.member.join()
    const beating = setInterval(() => void first.instances.beat(), 1)
    await joining
    clearInterval(beating)
    expect(two.member.leads()).toBe(false)
    const three = await member(3, 'a third place')
    await two.member.leave()
    await three.member.join()
    expect(three.member.leads()).toBe(true)
  })

  test('error: one that was taken over says so once, and leads no more', async () => {
    const [one, two] = [await member(1), await member(2)]
    await one.ledger.instances.join({ id: one.member.id, host: 'here', pid: 1, born: null })
    await one.member.beat()
    expect(one.member.leads()).toBe(true)
    living.delete(1)
    await two.member.join()
    await one.member.beat()
    await one.member.lost
    await one.member.beat()
    expect([one.member.leads(), one.member.isLost()]).toEqual([false, true])
    expect(reports.filter((report) => report === '1 instance-lost')).toHaveLength(1)
  })
})
