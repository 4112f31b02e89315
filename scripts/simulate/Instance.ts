import { createGateway, type Gateway } from '../../gateway/gateway.ts'
import { openSqliteLedger } from '../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import type { Process } from '../../gateway/settlement/Process.ts'
import { faultyLedger } from './faulty-ledger.ts'
import { nodeTransport } from './node-transport.ts'
import type { Random } from './Random.ts'
import type { Boundary } from './Swarm.ts'
import { silentLog } from './silent-log.ts'
import { within } from './virtual-time.ts'
import type { World } from './World.ts'

/**
 * One life of a gateway process. Whatever passes between it and its world passes `at` a boundary, where it may die: from
 * then on nothing of it ever resolves, nothing is closed or tidied up, and the books are as the last commit left them.
 */
export class Instance {
  readonly name: string
  readonly died: Promise<'died'>
  #alive = true
  #gateway: Gateway | null = null
  #serving = false
  #skewMs = 0
  readonly #world: World
  readonly #random: Random
  readonly #life: number
  #die: () => void = () => {}

  constructor(world: World, life: number) {
    this.#world = world
    this.name = `gateway-${life}`
    this.#life = life
    world.living.add(life)
    this.#random = world.random.fork(this.name)
    this.died = new Promise((resolve) => {
      this.#die = () => resolve('died')
    })
  }

  get serving(): boolean {
    return this.#alive && this.#serving
  }

  get alive(): boolean {
    return this.#alive
  }

  /** The gateway, while it takes calls. */
  get gateway(): Gateway | null {
    return this.serving ? this.#gateway : null
  }

  /** Starts as `main` does. False when it could not. */
  boot(): Promise<boolean> {
    return within(this, () => this.#boot())
  }

  async #boot(): Promise<boolean> {
    const world = this.#world
    const clock = { now: () => world.scheduler.now() + this.#skewMs }
    const fold = {
      groups: Number.POSITIVE_INFINITY,
      most: world.swarm.waiting,
      idleMs: 0,
    }
    const ledger = await openSqliteLedger({ path: world.ledgerPath, clock, fold })
    world.onEnd(() => ledger.close())
    const nodes = Array.from({ length: world.swarm.nodes }, (_, index) => nodeTransport(world, this, index))
    this.#gateway = await createGateway({
      config: world.config,
      clock,
      log: silentLog((text) => {
        if (this.#alive) world.journal.say(`${this.name} ${text}`)
      }),
      world: {
        ledger: faultyLedger(ledger, world, this),
        nodes,
        forwarder: world.upstream.forwarderFor(this),
        instance: { process: this.#process(), beatMs: world.config.chain.pollMs },
      },
    })
    try {
      await this.#gateway.prepare()
    } catch (error) {
      world.journal.say(`${this.name} could not start: ${error instanceof Error ? error.name : 'unknown'}`)
      this.kill()
      return false
    }
    world.guards.afterStart(this.#gateway)
    this.#serving = true
    return true
  }

  /** A process of its own in the eyes of the ledger: the lives are numbered, and the world knows which of them go on. */
  #process(): Process {
    const world = this.#world
    const lives = ({ pid }: Pick<Process, 'pid'>) => world.living.has(pid)
    return { host: 'world', pid: this.#life, born: null, lives }
  }

  /** Its clock is set, forward or back. */
  jump(ms: number): void {
    this.#skewMs = ms
  }

  /** Dies now, without a word. */
  kill(): void {
    if (!this.#alive) return
    this.#alive = false
    this.#world.living.delete(this.#life)
    this.#die()
  }

  /** Does something at a boundary after some time, and may die before or after it. */
  at<T>(boundary: Boundary, ms: number, work: () => T | Promise<T>, group: string | null = null): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (!this.#alive) return
      const event = async () => {
        if (!this.#alive || this.#crashes(boundary, 'before')) return
        let done: () => void
        try {
          const value = await work()
          done = () => resolve(value)
        } catch (error) {
          done = () => reject(error)
        }
        if (!this.#alive || this.#crashes(boundary, 'after')) return
        done()
      }
      this.#world.scheduler.after(ms, event, group === null ? null : `${this.name} ${group}`)
    })
  }

  #crashes(boundary: Boundary, when: 'before' | 'after'): boolean {
    if (!this.#random.chance(this.#world.swarm.crash[boundary] / 2)) return false
    this.#world.journal.say(`${this.name} DIES ${when} ${boundary}`)
    this.#world.faults.add(`process died ${when} ${boundary}`)
    this.kill()
    return true
  }
}
