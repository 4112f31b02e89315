import type { Address } from 'viem'
import type { Chain } from '../chain/Chain.ts'
import type { Report } from '../chain/Report.ts'
import type { Clock } from '../clock.ts'
import type { Ledger } from '../ledger/Ledger.ts'
import type { ExposureLimits } from '../policy/exposure.ts'
import { createAbandoned } from './abandoned.ts'
import { createChannelBook } from './channel-book.ts'
import { createChargeDesk } from './charge-desk.ts'
import { createExposure } from './exposure.ts'
import { createExposureGuard } from './exposure-guard.ts'
import { createResolver } from './Resolver.ts'
import { reconcile } from './reconcile.ts'
import { recoverOpenPayments } from './recover-open-payments.ts'
import { createReorgGuard } from './reorg-guard.ts'
import { createSettler } from './Settler.ts'
import { suspendRestored } from './suspend-restored.ts'
import { createWatcher } from './Watcher.ts'
import { createWithdrawDesk } from './withdraw-desk.ts'

/** Everything that goes on between the books and the chain, off the request path. */
export type Settlement = ReturnType<typeof createSettlement>

/** Puts settlement together. Nothing runs before `recover` and `start`. */
export function createSettlement(options: createSettlement.Options) {
  const { ledger, chain, clock, report, tokens, fromBlock, pollMs } = options
  const { thresholds, maxAgeSeconds, everyMs, closeMarginSeconds = 300 } = options.settlement
  const shared = { ledger, chain, clock, report }
  const book = createChannelBook({ ...shared, tokens })
  const charges = createChargeDesk({ ...shared, fromBlock })
  const schedule = { thresholds, maxAgeMs: maxAgeSeconds * 1_000 }
  const exposure = createExposure({
    ...shared,
    limits: options.exposure ?? new Map(),
    settleFirst: (channel) => settler.urge(channel),
  })
  const settler = createSettler({ ...shared, book, schedule, everyMs, checkSigner: exposure.recheck })
  const guard = createExposureGuard({
    ...shared,
    settleFirst: settler.urge,
    marginSeconds: closeMarginSeconds,
    everyMs: Math.min(everyMs, 10_000),
  })
  const failed = (event: string) => (error: unknown) =>
    report('error', event, { error: error instanceof Error ? error.message : String(error) })
  /** What was asked to close and is being settled for that: the start waits for it. */
  let closing: Promise<unknown> = Promise.resolve()
  const onCloseRequested = () => {
    closing = Promise.all([closing, settler.tick().catch(failed('settlement-failed'))])
  }
  const horizon = options.reorgBlocks === undefined ? {} : { horizon: options.reorgBlocks }
  const watcher = createWatcher({
    ...shared,
    ...horizon,
    book,
    tokens,
    fromBlock,
    everyMs: pollMs,
    onCloseRequested,
  })
  const resolving = { ...shared, book, desk: charges, fromBlock }
  const resolver = createResolver({ ...resolving, everyMs: pollMs })
  const reorg = createReorgGuard({
    ...shared,
    book,
    desk: charges,
    fromBlock,
    everyMs: pollMs,
    ...horizon,
    settleFirst: settler.urge,
    close: settler.close,
  })
  const withdrawals = createWithdrawDesk({ ...shared, everyMs: pollMs })
  const abandoned = createAbandoned({ ledger, report, everyMs: pollMs })

  return {
    /** What the request path asks about channels. */
    channels: { apply: book.apply, follow: book.follow, close: settler.close },
    /** What the request path asks about single transfers. */
    charges,
    /** Told by the request path of payments whose end could not be written. */
    abandoned,
    /** What the request path asks about how much may be unsettled. */
    exposure,
    guard,
    reorg,
    /** Pays withdrawals out. */
    withdrawals,
    settler,
    watcher,
    resolver,
    /** Compares the books with the chain. */
    reconcile: () => reconcile({ ledger, chain, tokens, fromBlock }),
    /** Suspends the channels of which the chain knows more than the books. Before everything else. */
    suspendRestored: () => suspendRestored({ ledger, chain, tokens, fromBlock, book, report }),
    /** Ends what instances that are dead by now have left. For the one that leads. */
    sweep: () => recoverOpenPayments({ ledger, report }),
    /**
     * Takes up what dead processes left, and reads what the chain did meanwhile. For the one that leads, when it begins to,
     * and before its first request when that is its start.
     */
    async recover(): Promise<void> {
      await recoverOpenPayments({ ledger, report })
      await createResolver({ ...resolving, quietMs: 0 }).tick()
      await withdrawals.recover()
      await reorg.tick()
      await watcher.poll()
      await closing
      await settler.tick()
      await guard.tick().catch(failed('close-watch-failed'))
    },
    /** The work that is done once: for the one that leads. */
    start(): void {
      watcher.start()
      resolver.start()
      settler.start()
      guard.start()
      reorg.start()
      withdrawals.start()
    },
    async stop(): Promise<void> {
      const running = [watcher, resolver, settler, guard, reorg, withdrawals, abandoned]
      await Promise.all(running.map((part) => part.stop()))
    },
  }
}

export declare namespace createSettlement {
  type Options = {
    ledger: Ledger
    chain: Chain
    clock: Clock
    report: Report
    tokens: readonly Address[]
    /** Block of the escrow's deployment. */
    fromBlock: bigint
    pollMs: number
    settlement: {
      /** Base units, by token. */
      thresholds: ReadonlyMap<Address, bigint>
      maxAgeSeconds: number
      everyMs: number
      /** Alarm when a payer's grace period ends within this and its vouchers are not settled. Default 300. */
      closeMarginSeconds?: number
    }
    /** Blocks after which what was booked is taken to stay. Default: twice what makes everything count. */
    reorgBlocks?: number | undefined
    /** Most that may be unsettled, by token; no cap when left out. */
    exposure?: ReadonlyMap<Address, ExposureLimits>
  }
}
