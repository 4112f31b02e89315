import { availableParallelism } from 'node:os'
import { createApp } from './app.ts'
import { type auditBooks, findingsOf } from './audit-books.ts'
import type { Chain } from './chain/Chain.ts'
import { cachedHolding } from './chain/cached-holding.ts'
import { createChain } from './chain/create-chain.ts'
import type { Report } from './chain/Report.ts'
import type { Endpoint } from './chain/rpc.ts'
import { type Clock, systemClock } from './clock.ts'
import type { Config } from './config/Config.ts'
import type { Deps } from './deps.ts'
import { createDuties } from './duties.ts'
import { topUpRoutes } from './endpoints/top-up.ts'
import { createHistory } from './history.ts'
import { deriveKeys } from './keys.ts'
import type { Ledger } from './ledger/Ledger.ts'
import { openSqliteLedger } from './ledger/sqlite/open-sqlite-ledger.ts'
import { createOurChallenges } from './request/our-challenges.ts'
import { createReceiptSigner } from './request/receipt-signer.ts'
import { createWaiting } from './request/wait.ts'
import { canonicalPath } from './routes/canonical-path.ts'
import * as RouteTable from './routes/RouteTable.ts'
import { runAudit } from './run-audit.ts'
import { type Listening, listen } from './server.ts'
import { type AuditSchedule, createAuditSchedule } from './settlement/audit-schedule.ts'
import { createSettlement, type Settlement } from './settlement/create-settlement.ts'
import { createMembership, type Membership } from './settlement/Membership.ts'
import { type Process, thisProcess } from './settlement/Process.ts'
import { createTimer } from './settlement/timer.ts'
import { createSingleFlight } from './single-flight.ts'
import { noteStart } from './start-notes.ts'
import { createLog, type Log } from './telemetry/log.ts'
import { createForwarder, type Forwarder } from './upstream/Forwarder.ts'
import { createSessions } from './wallet/Sessions.ts'

/** A gateway: what it is made of, and its life. */
export type Gateway = {
  deps: Deps
  app: ReturnType<typeof createApp>
  settlement: Settlement
  audits: AuditSchedule
  /** This process among the gateways on its ledger. */
  membership: Membership
  /**
   * True when a request for this target is ours to answer: it is sold, or a spelling of what is sold that a lenient
   * router might serve unpaid, or no honest spelling of a path.
   */
  sells(target: string): boolean
  /**
   * Checks the chain, registers, and takes up what dead processes left, unless another living one does. Call it before
   * serving.
   */
  prepare(): Promise<void>
  /** `prepare`, then listen on the configured address. */
  start(): Promise<{ port: number }>
  /** Lets running calls finish, stops watching, leaves, closes the books. */
  stop(): Promise<void>
}

const graceMs = 10_000

/** Puts a gateway together. Opens the ledger; asks nothing of the chain yet. */
export async function createGateway(options: createGateway.Options): Promise<Gateway> {
  const { config, clock = systemClock, log = createLog(), world = {} } = options
  // `LoopWait` says why.
  const sync = availableParallelism() === 1 ? 'small-at-once' : 'beside'
  const ledger = world.ledger ?? (await openSqliteLedger({ path: config.database, clock, sync }))
  const report: Report = (level, event, details) => log[level](details, event)
  const chain = createChain({
    chainId: config.chain.id,
    rpcUrl: world.nodes ?? config.chain.rpcUrl,
    escrow: config.escrow,
    relayer: config.chain.relayerKey,
    relayers: config.chain.relayers,
    fees: config.chain.fees,
    agreementAbove: config.chain.agreementAbove,
    confirmations: config.chain.depths,
    pollingMs: Math.min(config.chain.pollMs, 1_000),
    timeoutMs: config.chain.timeoutMs,
    // One question never takes longer than the whole may.
    rpcTimeoutMs: Math.min(10_000, Math.max(2_000, config.chain.timeoutMs)),
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
    exposure: config.exposure,
    reorgBlocks: config.chain.reorgBlocks,
  })
  const { process = thisProcess(), beatMs = 3_000 } = world.instance ?? {}
  const membership = createMembership({ ledger, process, report, beatMs })
  const ending = new AbortController()
  const audits = createAuditSchedule({
    ledger,
    report,
    clock,
    audit: async () => findingsOf(await runAudit(auditOptions(config, chain), ending.signal)),
    // Books that somebody else made have no file to open a second time.
    everyMs: world.ledger === undefined ? config.audit.everySeconds * 1_000 : 0,
    eager: config.audit.stopOnDrift || config.routes.some(({ stopOnDrift }) => stopOnDrift === true),
  })
  const forwarder = world.forwarder ?? createForwarder()
  const keys = deriveKeys(config.secret, config.previousSecrets)
  const deps: Deps = {
    config,
    ledger,
    chain: { ...chain, holding: cachedHolding(chain.holding, { clock, ttlMs: config.gateSeconds * 1_000 }) },
    clock,
    log,
    keys,
    receipts: createReceiptSigner(keys.receipt.sign),
    challenges: createOurChallenges(keys.challenges),
    sessions: createSessions({ ledger, clock }),
    routes: RouteTable.create([...config.routes, ...topUpRoutes(config, ledger)]),
    forwarder,
    channels: settlement.channels,
    charges: settlement.charges,
    abandoned: settlement.abandoned,
    exposure: settlement.exposure,
    // Another one that leads finds them by itself.
    payouts: { wake: () => void (membership.leads() && settlement.withdrawals.wake()) },
    membership,
    singleFlight: createSingleFlight(),
    audits,
    waiting: createWaiting(config.limits.waiters),
  }
  const app = createApp(deps)
  let listening: Listening | null = null

  const duties = createDuties({
    membership,
    settlement,
    chain,
    audits,
    report,
    everyMs: Math.min(config.chain.pollMs, beatMs),
  })
  const forgetOld = async () => {
    const old = clock.now() - config.limits.storedAnswerSeconds * 1_000
    await ledger.forgetAnswers(old)
    await ledger.forgetAnswersAbove(config.limits.storedAnswersTotalBytes)
    await ledger.doubts.forgetOld(old)
  }
  const history = createHistory({
    ledger,
    clock,
    leads: membership.leads,
    days: config.historyDays,
    prepare: forgetOld,
    failed: (error) => log.error({ err: error }, 'rolling up what is old failed'),
  })
  const housekeeping = createTimer(60_000, forgetOld, (error) =>
    log.error({ err: error }, 'forgetting answers failed'),
  )

  async function prepare(): Promise<void> {
    await chain.assertReady()
    await membership.join()
    try {
      await noteStart(ledger, config, deps.keys)
      await duties.start()
    } catch (error) {
      await membership.leave().catch(() => {})
      throw error
    }
    housekeeping.start()
    history.start()
  }

  return {
    deps,
    app,
    settlement,
    audits,
    membership,
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
      listening = await listen(app, deps)
      return { port: listening.port }
    },
    async stop() {
      deps.waiting.close()
      await listening?.close(graceMs)
      ending.abort()
      await duties.stop()
      await Promise.all([settlement.stop(), housekeeping.stop(), history.stop(), audits.stop()])
      chain.close()
      await forwarder.close()
      if (!membership.isLost()) await ledger.note({ kind: 'gateway-stopped' })
      await membership.leave()
      await ledger.close()
    },
  }
}

/** What an audit of this gateway's books needs to know. While it works, a difference counts when three looks find it. */
export function auditOptions(
  config: Config,
  chain: Pick<Chain, 'payee' | 'confirmations'>,
): auditBooks.Options {
  return {
    path: config.database,
    chainId: config.chain.id,
    rpcUrl: config.chain.rpcUrl,
    escrow: config.escrow,
    payee: chain.payee,
    confirmations: chain.confirmations,
    tokens: [...config.tokens.values()].map(({ address }) => address),
    fromBlock: config.chain.startBlock,
    looks: 3,
    againMs: 2 * config.chain.pollMs,
  }
}

export declare namespace createGateway {
  type Options = {
    config: Config
    clock?: Clock
    log?: Log
    /** What lies outside, made by somebody else: a simulation puts its faults here. The gateway closes what it is given. */
    world?: {
      ledger?: Ledger
      nodes?: readonly Endpoint[]
      forwarder?: Forwarder
      /** Which process this is among those on the ledger, and how often it says that it lives. */
      instance?: { process?: Process; beatMs?: number }
    }
  }
}
