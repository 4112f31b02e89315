import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { custom, type Hex, hexToBigInt, keccak256, numberToHex, parseTransaction } from 'viem'
import type { Chain } from '../../gateway/chain/Chain.ts'
import { parse as parseOrder } from '../../gateway/chain/ChargeOrder.ts'
import { createChain } from '../../gateway/chain/create-chain.ts'
import type { Config } from '../../gateway/config/Config.ts'
import { deriveKeys } from '../../gateway/keys.ts'
import type { Ledger } from '../../gateway/ledger/Ledger.ts'
import type { Payment } from '../../gateway/ledger/Payment.ts'
import { openSqliteLedger } from '../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import type { Call } from './Call.ts'
import type { Guards } from './guards.ts'
import { Instance } from './Instance.ts'
import { Journal } from './Journal.ts'
import { Random } from './Random.ts'
import { Scheduler } from './Scheduler.ts'
import { chainId, type SimulatedChain } from './SimulatedChain.ts'
import { draw, type Swarm } from './Swarm.ts'
import { simulatedConfig } from './simulated-config.ts'
import { Tally } from './Tally.ts'
import { Upstream } from './Upstream.ts'

/** Everything of one seed: its time, its faults, its chain, its books, the gateway that lives now, and what broke. */
export class World {
  readonly random: Random
  readonly scheduler: Scheduler
  readonly journal: Journal
  readonly chain: SimulatedChain
  readonly config: Config
  readonly keys: ReturnType<typeof deriveKeys>
  readonly upstream: Upstream
  readonly guards: Guards
  readonly ledgerPath: string
  readonly violations: string[] = []
  /** Faults that happened, by kind. */
  readonly faults = new Tally()
  /** What callers have signed, by payment key. */
  readonly calls = new Map<string, Call>()
  /** The books as an outsider reads them. */
  readonly books: Ledger
  swarm: Swarm
  current: Instance | null = null
  lives = 0
  /** Lives that go on, by their number. */
  readonly living = new Set<number>()
  reorganisations = 0
  readonly #voids = new Map<string, number>()
  readonly #sent: { hash: Hex; data: Hex }[] = []
  readonly #ends: (() => unknown)[] = []

  private constructor(
    made: Pick<World, 'random' | 'scheduler' | 'journal' | 'chain' | 'guards' | 'swarm'> & Files,
  ) {
    this.random = made.random
    this.scheduler = made.scheduler
    this.journal = made.journal
    this.chain = made.chain
    this.guards = made.guards
    this.swarm = made.swarm
    this.books = made.books
    this.ledgerPath = made.ledgerPath
    this.config = simulatedConfig(this.chain, this.swarm, this.guards)
    this.keys = deriveKeys(this.config.secret)
    this.upstream = new Upstream(this)
  }

  static async create(options: World.Options): Promise<World> {
    const { seed, chain, guards, echo } = options
    const random = new Random(seed)
    const swarm = { ...draw(random.fork('swarm')), ...guards.world, ...options.override }
    const now = await chain.reset({ blockSeconds: swarm.blockSeconds })
    const scheduler = new Scheduler(now)
    chain.follow(() => scheduler.now())
    const journal = new Journal(() => scheduler.now(), echo === undefined ? {} : { echo })
    const directory = mkdtempSync(join(fastDirectory(), 'farthing-simulation-'))
    const ledgerPath = join(directory, 'ledger.sqlite')
    const books = await openSqliteLedger({ path: ledgerPath, clock: scheduler })
    const world = new World({ random, scheduler, journal, chain, guards, swarm, books, ledgerPath })
    world.onEnd(() => rmSync(directory, { recursive: true, force: true }))
    world.onEnd(() => books.close())
    chain.onReorganised = (blocks) => {
      world.reorganisations += 1
      world.faults.add('blocks taken back', blocks)
      journal.say(`chain reorganised ${blocks} blocks`)
    }
    return world
  }

  /** Keeps a gateway alive: what dies is started again after a while. */
  async keepAlive(): Promise<void> {
    for (;;) {
      this.lives += 1
      const instance = new Instance(this, this.lives)
      this.current = instance
      const begun = await Promise.race([instance.boot(), instance.died])
      if (begun === true) this.journal.say(`${instance.name} serves`)
      await instance.died
      await this.scheduler.sleep(this.random.between(500, this.swarm.downMs))
    }
  }

  /** Something that must never happen has happened. */
  violate(text: string): void {
    this.journal.say(`VIOLATION ${text}`)
    this.violations.push(text)
  }

  /** How often a payment was released, so that the same credential could be used again. */
  voids(paymentId: string): number {
    return this.#voids.get(paymentId) ?? 0
  }

  /** The caller's name of a call, by its payment key. */
  callOf(key: string): string | null {
    return this.calls.get(key.toLowerCase())?.id ?? null
  }

  hashOf(raw: Hex): Hex {
    return keccak256(raw)
  }

  /** A node was handed a transaction of the gateway. */
  noteSent(raw: Hex): void {
    this.#sent.push({ hash: keccak256(raw), data: parseTransaction(raw).data ?? '0x' })
  }

  /** Looks at every write that was committed, whoever heard of it. */
  async booked(instance: Instance, operation: string, given: unknown[], result: unknown): Promise<void> {
    const payment = paymentIn(result)
    const state = payment === null ? '' : `${payment.id.slice(0, 12)} ${payment.delivery}/${payment.money}`
    const outcome = (result as { outcome?: string } | undefined)?.outcome ?? ''
    this.journal.say(`${instance.name} ${operation} ${outcome} ${state || short(given[0])}`)
    if (operation !== 'void' || payment === null) return
    this.#voids.set(payment.id, this.voids(payment.id) + 1)
    if (payment.rail === 'charge') await this.#checkNothingIsOut(payment)
  }

  /** A payment is given up only when no transaction of ours has moved it, or still can. */
  async #checkNothingIsOut(payment: Payment): Promise<void> {
    const { nonce, validBefore } = parseOrder(payment.settlement).message
    for (const { hash, data } of this.#sent) {
      if (!data.includes(nonce.slice(2))) continue
      const found = (await this.chain.request('eth_getTransactionByHash', [hash])) as {
        blockNumber: Hex | null
      } | null
      if (found === null) continue
      const receipt =
        found.blockNumber === null
          ? null
          : ((await this.chain.request('eth_getTransactionReceipt', [hash])) as { status: Hex })
      const moves = receipt === null ? (await this.#timeThatCounts()) < validBefore : receipt.status === '0x1'
      if (moves)
        this.violate(`${payment.id} was made void while its transaction ${hash.slice(0, 12)} is out.`)
    }
  }

  /**
   * Unix seconds of the newest block that counts: none that comes, or takes another's place, is older. What expired by then
   * can be mined, and be reverted, and no more.
   */
  async #timeThatCounts(): Promise<bigint> {
    const newest = this.chain.height - BigInt(this.swarm.confirmations) + 1n
    const block = await this.chain.request('eth_getBlockByNumber', [numberToHex(newest), false])
    return hexToBigInt((block as { timestamp: Hex }).timestamp)
  }

  /** The chain without any fault in between. */
  plainChain(): Chain {
    const { chain, books, scheduler, swarm } = this
    const request = ({ method, params = [] }: { method: string; params?: unknown }) =>
      chain.request(method, params as unknown[])
    return createChain({
      chainId,
      rpcUrl: custom({ request }),
      escrow: chain.escrow,
      relayer: chain.payee,
      ledger: books,
      clock: scheduler,
      confirmations: swarm.confirmations,
    })
  }

  onEnd(work: () => unknown): void {
    this.#ends.push(work)
  }

  /** Closes every file. */
  async end(): Promise<void> {
    this.current?.kill()
    for (const work of this.#ends.reverse()) await work()
  }
}

type Files = { books: Ledger; ledgerPath: string }

export declare namespace World {
  type Options = {
    seed: number
    chain: SimulatedChain
    guards: Guards
    /** Changes what the seed drew. */
    override?: Partial<Swarm>
    echo?: (line: string) => void
  }
}

/** In memory where there is such a place: the disk is not what is tested, and its waits would cost most of the time. */
function fastDirectory(): string {
  try {
    mkdirSync('/dev/shm/farthing', { recursive: true })
    return '/dev/shm/farthing'
  } catch {
    return tmpdir()
  }
}

function paymentIn(result: unknown): Payment | null {
  if (typeof result !== 'object' || result === null) return null
  if ('payment' in result) return result.payment as Payment
  return 'money' in result && 'delivery' in result ? (result as Payment) : null
}

function short(value: unknown): string {
  if (typeof value === 'string') return value.slice(0, 24)
  if (typeof value !== 'object' || value === null) return ''
  const { id, kind, hash } = value as { id?: string; kind?: string; hash?: string }
  return [kind, id, hash].map((part) => part?.slice(0, 16) ?? '').join(' ')
}
