import type { Address } from 'viem'
import type { Chain } from '../chain/Chain.ts'
import type { Report } from '../chain/Report.ts'
import type { Clock } from '../clock.ts'
import type { Ledger } from '../ledger/Ledger.ts'
import { createChannelBook } from './channel-book.ts'
import { createChargeDesk } from './charge-desk.ts'
import { createResolver } from './Resolver.ts'
import { reconcile } from './reconcile.ts'
import { recoverOpenPayments } from './recover-open-payments.ts'
import { createSettler } from './Settler.ts'
import { createWatcher } from './Watcher.ts'
import { createWithdrawDesk } from './withdraw-desk.ts'

/** Everything that goes on between the books and the chain, off the request path. */
export type Settlement = ReturnType<typeof createSettlement>

/** Puts settlement together. Nothing runs before `recover` and `start`. */
export function createSettlement(options: createSettlement.Options) {
  const { ledger, chain, clock, report, tokens, fromBlock, pollMs } = options
  const { thresholds, maxAgeSeconds, everyMs } = options.settlement
  const shared = { ledger, chain, clock, report }
  const book = createChannelBook({ ...shared, tokens })
  const charges = createChargeDesk({ ...shared, fromBlock })
  const schedule = { thresholds, maxAgeMs: maxAgeSeconds * 1_000 }
  const settler = createSettler({ ...shared, book, schedule, everyMs })
  const failed = (event: string) => (error: unknown) =>
    report('error', event, { error: error instanceof Error ? error.message : String(error) })
  const onCloseRequested = () => void settler.tick().catch(failed('settlement-failed'))
  const watcher = createWatcher({ ...shared, book, tokens, fromBlock, everyMs: pollMs, onCloseRequested })
  const resolver = createResolver({ ...shared, book, desk: charges, fromBlock, everyMs: pollMs })
  const withdrawals = createWithdrawDesk({ ...shared, everyMs: pollMs })

  return {
    /** What the request path asks about channels. */
    channels: { apply: book.apply, follow: book.follow, close: settler.close },
    /** What the request path asks about single transfers. */
    charges,
    /** Pays withdrawals out. */
    withdrawals,
    settler,
    watcher,
    resolver,
    /** Compares the books with the chain. */
    reconcile: () => reconcile({ ledger, chain, tokens, fromBlock }),
    /** Takes up what a dead process left, and reads what the chain did meanwhile. Before the first request. */
    async recover(): Promise<void> {
      await recoverOpenPayments({ ledger, report })
      await createResolver({ ...shared, book, desk: charges, fromBlock, quietMs: 0 }).tick()
      await withdrawals.recover()
      await watcher.poll()
      await settler.tick()
    },
    start(): void {
      watcher.start()
      resolver.start()
      settler.start()
      withdrawals.start()
    },
    async stop(): Promise<void> {
      await Promise.all([watcher.stop(), resolver.stop(), settler.stop(), withdrawals.stop()])
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
    }
  }
}
