import type { Chain } from '../chain/Chain.ts'
import { type Report, silent } from '../chain/Report.ts'
import type { Clock } from '../clock.ts'
import { GatewayError } from '../errors.ts'
import type { Ledger } from '../ledger/Ledger.ts'
import type { Withdrawal } from '../ledger/Withdrawal.ts'
import { isWorthRetrying, orderOf, payoutOf, tokenOf } from './payout.ts'
import { Quarantine } from './Quarantine.ts'
import { createTimer } from './timer.ts'

/**
 * Pays withdrawals out. Its order makes a crash at any point, and a second gateway on the same books, harmless:
 * `paying` is taken once in the books → the signed transaction is recorded, which the books allow once for a withdrawal →
 * it is broadcast → it is booked by its mined Transfer log. What is left over is taken up from the recorded transactions.
 */
export type WithdrawDesk = {
  /** Looks at every open withdrawal, and resolves when what it began has come as far as it can now. */
  tick(): Promise<void>
  /** Looks soon, without being waited for. */
  wake(): void
  /** Takes up what a dead process left; call it once, when beginning to lead. */
  recover(): Promise<void>
  start(): void
  stop(): Promise<void>
}

export function createWithdrawDesk(options: createWithdrawDesk.Options): WithdrawDesk {
  const { ledger, chain, clock, report = silent, quietMs = 120_000, everyMs = 4_000, limit = 200 } = options
  const { withdrawals } = ledger
  const busy = new Set<string>()
  const resting = new Quarantine<string>()

  /** One that cannot be paid now never keeps the others waiting. */
  async function attempt({ id }: Withdrawal, work: () => Promise<void>): Promise<void> {
    if (busy.has(id)) return
    busy.add(id)
    try {
      await work()
    } catch (error) {
      report('error', 'withdrawal-interrupted', { withdrawal: id, error: nameOf(error) })
    } finally {
      busy.delete(id)
    }
  }

  async function pay(requested: Withdrawal): Promise<void> {
    const taken = await withdrawals.pay(requested.id)
    if (taken.outcome === 'taken') return
    if (taken.outcome === 'short') {
      rest(requested, `treasury-short: ${taken.available} has arrived and is free`)
      return
    }
    const { withdrawal } = taken
    try {
      const outcome = await chain.submit(orderOf(withdrawal))
      if (outcome.status === 'succeeded') await book(withdrawal, outcome.mined)
      else if (outcome.status === 'unknown') await doubt(withdrawal, outcome.reason)
      else if (outcome.status === 'rejected' && isWorthRetrying(outcome.reason))
        await again(withdrawal, outcome.reason)
      else await fail(withdrawal, outcome.reason)
    } catch (error) {
      // Nothing may have been recorded, or everything: the recorded transactions say which.
      report('error', 'withdrawal-interrupted', { withdrawal: withdrawal.id, error: nameOf(error) })
      await resume(withdrawal, true, nameOf(error))
    }
  }

  /**
   * Goes by the recorded transactions alone. `quiet`: nobody else can be about to record one. `interrupted`: why the try
   * that just ended got nowhere.
   */
  async function resume(withdrawal: Withdrawal, quiet: boolean, interrupted?: string): Promise<void> {
    const intents = await ledger.intentsFor(withdrawal.id)
    // The resolver follows these to their end.
    if (intents.some(({ state }) => state === 'intended' || state === 'sent')) return
    const succeeded = intents.find(({ state }) => state === 'succeeded')
    if (succeeded !== undefined) {
      let mined: Chain.Mined | null = null
      // Whichever attempt: a reorganisation may have put another one in its place.
      for (const { hash } of await ledger.attempts(succeeded.id)) mined ??= await chain.receipt(hash)
      // A reorganisation took it out before it was booked: the very same transaction comes back.
      if (mined === null) await chain.broadcast(succeeded.raw)
      if (mined === null || mined.depth < chain.confirmations) return
      return book(withdrawal, mined)
    }
    const last = intents.at(-1)
    if (last?.state === 'reverted') return fail(withdrawal, last.reason ?? 'execution-reverted')
    if (!quiet) return
    await withdrawals.wait(withdrawal.id, last?.reason ?? interrupted ?? 'was-not-sent')
    if (interrupted !== undefined) rest(withdrawal, interrupted)
  }

  async function book(withdrawal: Withdrawal, mined: Chain.Mined): Promise<void> {
    let payout = payoutOf(chain, withdrawal, mined)
    if (payout.status !== 'paid') {
      // That a large payout moved nothing is what two nodes say.
      const again = await chain.evidence(tokenOf(withdrawal), withdrawal.amount).receipt(mined.hash)
      if (again === null) return
      payout = payoutOf(chain, withdrawal, again)
    }
    if (payout.status === 'nothing') return fail(withdrawal, 'no-transfer-in-the-logs')
    if (payout.status === 'otherwise') return doubt(withdrawal, 'moved-otherwise')
    await withdrawals.paid(withdrawal.id, payout.ref)
    resting.clear(withdrawal.id)
    const { transaction } = payout.ref
    report('info', 'withdrawal-paid', { withdrawal: withdrawal.id, transaction })
  }

  async function doubt(withdrawal: Withdrawal, reason: string): Promise<void> {
    if (withdrawal.state === 'unknown') return
    await withdrawals.unknown(withdrawal.id, reason)
    report('error', 'withdrawal-unknown', { withdrawal: withdrawal.id, reason })
  }

  async function again(withdrawal: Withdrawal, reason: string): Promise<void> {
    await withdrawals.wait(withdrawal.id, reason)
    rest(withdrawal, reason)
  }

  async function fail(withdrawal: Withdrawal, reason: string): Promise<void> {
    await withdrawals.fail(withdrawal.id, reason)
    resting.clear(withdrawal.id)
    report('warn', 'withdrawal-failed', { withdrawal: withdrawal.id, reason })
  }

  function rest({ id }: Withdrawal, reason: string): void {
    const { failures, until } = resting.add(id, reason, clock.now())
    report('error', 'withdrawal-waits', { withdrawal: id, reason, failures, until })
  }

  async function look(quietFor: number, paying: boolean): Promise<void> {
    const now = clock.now()
    await Promise.all(
      (await withdrawals.open(limit)).map(async (withdrawal) => {
        const { id, state, updatedAt } = withdrawal
        if (state === 'requested' && paying && !resting.isHeld(id, now))
          await attempt(withdrawal, () => pay(withdrawal))
        if (state === 'paying' || state === 'unknown')
          await attempt(withdrawal, () => resume(withdrawal, updatedAt + quietFor <= now))
      }),
    )
  }

  const failed = (error: unknown) => report('warn', 'withdrawals-failed', { error: nameOf(error) })
  // A payout may take minutes to be mined; the next look does not wait for it.
  const wake = () => void look(quietMs, true).catch(failed)
  const timer = createTimer(everyMs, async () => wake(), failed)
  return {
    tick: () => look(quietMs, true),
    wake,
    recover: () => look(0, false),
    start: timer.start,
    stop: timer.stop,
  }
}

const nameOf = (error: unknown) =>
  error instanceof GatewayError ? error.code : error instanceof Error ? error.name : typeof error

export declare namespace createWithdrawDesk {
  type Options = {
    ledger: Pick<Ledger, 'withdrawals' | 'intentsFor' | 'attempts'>
    chain: Chain
    clock: Clock
    report?: Report
    /** A withdrawal that says `paying` is left to who wrote that, until nothing was heard of it for this long. */
    quietMs?: number
    /** Time between looks. Default 4,000. */
    everyMs?: number
    /** Most withdrawals looked at in one go. Default 200. */
    limit?: number
  }
}
