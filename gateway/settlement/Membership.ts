import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Report, silent } from '../chain/Report.ts'
import { InstanceLostError } from '../ledger/errors.ts'
import type { Instances } from '../ledger/Instances.ts'
import type { Ledger } from '../ledger/Ledger.ts'
import type { Process } from './Process.ts'
import { createTimer } from './timer.ts'

/**
 * This process among the gateways on one ledger. It beats in the books; it takes over those that are dead; the one that came
 * first leads. What makes this safe is not time: whoever was taken over can write nothing any more.
 */
export type Membership = {
  readonly id: string
  /** Registers, takes over what is known to be dead, and resolves once it is known who leads. */
  join(): Promise<void>
  /** Beats once, and looks after the others. */
  beat(): Promise<void>
  /** It does the work that is done once. As of the last beat. */
  leads(): boolean
  /** Resolves when another process took this one for dead: it sells nothing any more, and must be started again. */
  readonly lost: Promise<void>
  isLost(): boolean
  /** Stops beating and is registered no longer. The last thing that is written. */
  leave(): Promise<void>
}

export function createMembership(options: createMembership.Options): Membership {
  const { ledger, report = silent, process, beatMs = 3_000, mostMissed = 5 } = options
  const { host, pid, born } = process
  const id = `gw_${randomBytes(9).toString('base64url')}`
  /** How often each of the others was found as it had been the time before. */
  const still = new Map<string, { beats: number; times: number }>()
  const gone = Promise.withResolvers<void>()
  let lost = false
  let leading = false

  /** Counted in beats of our own, so that a machine that slept, or a clock that was set, makes nobody dead. */
  function isDead(other: Instances.Instance): boolean {
    if (process.lives(other) === false) return true
    const before = still.get(other.id)
    const times = before?.beats === other.beats ? before.times + 1 : 0
    still.set(other.id, { beats: other.beats, times })
    return times >= mostMissed
  }

  async function look(): Promise<Instances.Standing> {
    const standing = await ledger.instances.beat()
    let taken = 0
    for (const other of standing.others) {
      if (!isDead(other) || !(await ledger.instances.take(other))) continue
      taken += 1
      still.delete(other.id)
      const { id: instance, startedAt, seenAt } = other
      report('warn', 'instance-taken-over', { instance, pid: other.pid, startedAt, seenAt })
    }
    return taken === 0 ? standing : ledger.instances.beat()
  }

  async function beat(): Promise<Instances.Standing | null> {
    if (lost) return null
    try {
      const standing = await look()
      if (standing.leads && !leading) report('info', 'instance-leads', { instance: id })
      leading = standing.leads
      return standing
    } catch (error) {
      if (!(error instanceof InstanceLostError)) throw error
      lost = true
      leading = false
      report('error', 'instance-lost', { instance: id, fix: error.message })
      gone.resolve()
      return null
    }
  }

  const timer = createTimer(beatMs, beat, (error) =>
    report('warn', 'beat-failed', { error: error instanceof Error ? error.message : String(error) }),
  )

  return {
    id,
    leads: () => leading,
    lost: gone.promise,
    isLost: () => lost,
    async beat() {
      await beat()
    },
    async join() {
      await ledger.instances.join({ id, host, pid, born })
      let first: Instances.Instance | undefined
      for (;;) {
        const standing = await beat()
        const leader = standing?.others.find((other) => other.id === standing.leader)
        // Whoever led these books before may have left them in a state that only its successor mends: it must be known.
        if (leader === undefined || process.lives(leader) === true) break
        if (first?.id === leader.id && first.beats !== leader.beats) break
        if (first?.id !== leader.id) first = leader
        await sleep(beatMs)
      }
      timer.start()
    },
    async leave() {
      await timer.stop()
      leading = false
      await ledger.instances.leave()
    },
  }
}

export declare namespace createMembership {
  type Options = {
    ledger: Pick<Ledger, 'instances'>
    process: Process
    report?: Report
    /** Time between beats. Default 3,000. */
    beatMs?: number
    /** One whose beats stand still for this many of ours is dead. Default 5. */
    mostMissed?: number
  }
}
