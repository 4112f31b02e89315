import type { Hex } from 'viem'
import type { Chain } from '../chain/Chain.ts'
import { type Report, silent } from '../chain/Report.ts'
import type { Clock } from '../clock.ts'
import type { Ledger } from '../ledger/Ledger.ts'
import type { ChannelBook } from './channel-book.ts'
import type { ChargeDesk } from './charge-desk.ts'
import { resolveCharge } from './resolve-charge.ts'
import { createTimer } from './timer.ts'

/**
 * Finds out what became of everything whose end is not known: transactions of ours, and charges in doubt. What a living
 * instance settles is its own; a charge in doubt is nobody's. Runs in one process: the one that leads.
 */
export type Resolver = {
  /** Asks once about each. What cannot be known yet stays for the next time. */
  tick(): Promise<Resolver.Summary>
  start(): void
  /** Stops, and waits for the tick under way. */
  stop(): Promise<void>
}

export declare namespace Resolver {
  type Summary = { intents: number; payments: number; open: number }
}

export function createResolver(options: createResolver.Options): Resolver {
  const { ledger, chain, clock, book, desk, report = silent } = options
  const { fromBlock = 0n, quietMs = 120_000, everyMs = 5_000, limit = 1_000 } = options

  /** One that cannot be asked after now never keeps the others waiting. */
  async function attempt(about: string, ask: () => Promise<boolean>): Promise<boolean> {
    try {
      return await ask()
    } catch (error) {
      report('warn', 'resolve-failed', {
        about,
        error: error instanceof Error ? error.message : String(error),
      })
      return false
    }
  }

  /** Follows a transaction to its end; what it did to channels is booked from its logs. */
  async function followIntent(intent: Ledger.Intent): Promise<boolean> {
    const fate = await chain.follow(intent)
    if (fate.status === 'pending') return false
    const { id, kind, hash, subjects } = intent
    report('info', 'intent-ended', { id, kind, transaction: hash, subjects, fate: fate.status })
    // Whose these are goes by the recorded end: the charge's payment below, the withdrawal at its desk.
    if (kind === 'charge' || kind === 'withdrawal') return true
    if (fate.status === 'succeeded') await book.apply(fate.mined)
    // What was to be closed and was not takes calls again, unless its payer asks to close.
    else if (kind === 'close') for (const subject of subjects) await book.syncClose(subject as Hex)
    return true
  }

  async function disown(id: string): Promise<boolean> {
    if ((await ledger.payment({ id }))?.money === 'settling') await ledger.unknown(id, 'not-mined-yet')
    return false
  }

  async function tick(): Promise<Resolver.Summary> {
    const summary = { intents: 0, payments: 0, open: 0 }
    await attempt('transactions', async () => {
      await chain.tend()
      return true
    })
    for (const intent of await ledger.openIntents())
      if (intent.chainId === chain.id && (await attempt(intent.id, () => followIntent(intent))))
        summary.intents += 1
    for (const payment of await ledger.orphans(limit)) {
      if (payment.rail !== 'charge' || desk.isBusy(payment.id)) continue
      const quiet = payment.owner !== null || payment.updatedAt + quietMs <= clock.now()
      if (payment.money !== 'unknown' && !(payment.money === 'settling' && quiet)) continue
      const context = { ledger, chain, desk, fromBlock, report }
      const ended = await attempt(payment.id, async () => {
        // Its caller was cut off by a process that died. Told first: it may end now.
        if (payment.money === 'settling' && payment.delivery !== 'delivered')
          await ledger.doubts.add(payment.id)
        return resolveCharge(context, payment)
      })
      summary[ended ? 'payments' : 'open'] += 1
      // Nobody follows it any more: from now on it is asked after at every look, and its caller is told so.
      if (!ended && payment.money === 'settling') await attempt(payment.id, () => disown(payment.id))
    }
    return summary
  }

  const timer = createTimer(everyMs, tick, (error) =>
    report('warn', 'resolve-failed', { error: error instanceof Error ? error.message : String(error) }),
  )
  return { tick, start: timer.start, stop: timer.stop }
}

export declare namespace createResolver {
  type Options = {
    ledger: Ledger
    chain: Chain
    clock: Clock
    book: ChannelBook
    desk: ChargeDesk
    report?: Report
    /** Oldest block in which a transfer can be. Default 0. */
    fromBlock?: bigint
    /**
     * A payment that says `settling` and names no instance that settles it is left alone until nothing was heard of it for
     * this long; more than a transaction may take. Default 120,000. Use 0 once, when beginning to lead.
     */
    quietMs?: number
    /** Time between ticks. Default 5,000. */
    everyMs?: number
    /** Most payments asked after in one tick. Default 1,000. */
    limit?: number
  }
}
