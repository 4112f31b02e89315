import { createApp } from './app.ts'
import { cachedHolding } from './chain/cached-holding.ts'
import { createChain } from './chain/create-chain.ts'
import type { Report } from './chain/Report.ts'
import type { Endpoint } from './chain/rpc.ts'
import { type Clock, systemClock } from './clock.ts'
import type { Config } from './config/Config.ts'
import type { Deps } from './deps.ts'
import { topUpRoutes } from './endpoints/top-up.ts'
import { deriveKeys } from './keys.ts'
import type { Ledger } from './ledger/Ledger.ts'
import { openSqliteLedger } from './ledger/sqlite/open-sqlite-ledger.ts'
import { createWaiting } from './request/wait.ts'
import { canonicalPath } from './routes/canonical-path.ts'
import * as RouteTable from './routes/RouteTable.ts'
import { type Listening, listen } from './server.ts'
import { createSettlement, type Settlement } from './settlement/create-settlement.ts'
import { createTimer } from './settlement/timer.ts'
import { createSingleFlight } from './single-flight.ts'
import { createLog, type Log } from './telemetry/log.ts'
import { createForwarder, type Forwarder } from './upstream/Forwarder.ts'

/** A gateway: what it is made of, and its life. */
export type Gateway = {
  deps: Deps
  app: ReturnType<typeof createApp>
  settlement: Settlement
  /**
   * True when a request for this target is ours to answer: it is sold, or a spelling of what is sold that a lenient
   * router might serve unpaid, or no honest spelling of a path.
   */
  sells(target: string): boolean
  /** Checks the chain, takes up what a dead process left, and watches the chain. Call it before serving. */
  prepare(): Promise<void>
  /** `prepare`, then listen on the configured address. */
  start(): Promise<{ port: number }>
  /** Lets running calls finish, stops watching, closes the books. */
  stop(): Promise<void>
}

const graceMs = 10_000

/** Puts a gateway together. Opens the ledger; asks nothing of the chain yet. */
export async function createGateway(options: createGateway.Options): Promise<Gateway> {
  const { config, clock = systemClock, log = createLog(), world = {} } = options
  const ledger = world.ledger ?? (await openSqliteLedger({ path: config.database, clock }))
  const report: Report = (level, event, details) => log[level](details, event)
  const chain = createChain({
    chainId: config.chain.id,
    rpcUrl: world.nodes ?? config.chain.rpcUrl,
    escrow: config.escrow,
    relayer: config.chain.relayerKey,
    confirmations: config.chain.confirmations,
    pollingMs: Math.min(config.chain.pollMs, 1_000),
    timeoutMs: config.chain.timeoutMs,
    ledger,
    clock,
    report,
  })
  const settlement = createSettlement({
    ledger,
    chain,
    clock,
    report,
    tokens: [...config.tokens.values()].map(({ address }) => address),
    fromBlock: BigInt(config.chain.startBlock),
    pollMs: config.chain.pollMs,
    settlement: config.settlement,
  })
  const forwarder = world.forwarder ?? createForwarder()
  const deps: Deps = {
    config,
    ledger,
    chain: { ...chain, holding: cachedHolding(chain.holding, { clock, ttlMs: config.gateSeconds * 1_000 }) },
    clock,
    log,
    keys: deriveKeys(config.secret),
    routes: RouteTable.create([...config.routes, ...topUpRoutes(config, ledger)]),
    forwarder,
    channels: settlement.channels,
    charges: settlement.charges,
    payouts: settlement.withdrawals,
    singleFlight: createSingleFlight(),
    waiting: createWaiting(config.limits.waiters),
  }
  const app = createApp(deps)
  let listening: Listening | null = null

  const housekeeping = createTimer(
    60_000,
    () => ledger.forgetAnswers(clock.now() - config.limits.storedAnswerSeconds * 1_000),
    (error) => log.error({ err: error }, 'forgetting answers failed'),
  )

  async function prepare(): Promise<void> {
    await chain.assertReady()
    await chain.recover()
    await settlement.recover()
    settlement.start()
    housekeeping.start()
  }

  return {
    deps,
    app,
    settlement,
    prepare,
    sells(target) {
      try {
        const { path } = canonicalPath(target)
        return deps.routes.match('GET', path).outcome !== 'closed' || deps.routes.resembles(path)
      } catch {
        return true
      }
    },
    async start() {
      await prepare()
      listening = await listen(app, config)
      return { port: listening.port }
    },
    async stop() {
      deps.waiting.close()
      await listening?.close(graceMs)
      await Promise.all([settlement.stop(), housekeeping.stop()])
      chain.close()
      await forwarder.close()
      await ledger.close()
    },
  }
}

export declare namespace createGateway {
  type Options = {
    config: Config
    clock?: Clock
    log?: Log
    /** What lies outside, made by somebody else: a simulation puts its faults here. The gateway closes what it is given. */
    world?: { ledger?: Ledger; nodes?: readonly Endpoint[]; forwarder?: Forwarder }
  }
}
