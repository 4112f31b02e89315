import type { Ledger } from '../ledger/Ledger.ts'
import type { Chain } from './Chain.ts'
import type { Follower } from './Follower.ts'
import type { Report } from './Report.ts'
import type { Sender } from './Sender.ts'

/** What any key may send: the payer's signature says all that matters. Everything else only the payee may. */
const relayed: ReadonlySet<Ledger.IntentKind> = new Set(['charge', 'open', 'top-up'])

/**
 * Every key that sends. The payee's settles, closes and pays out; what payers signed is relayed by whichever of the other
 * keys has least to do, and by the payee when there is none, or none that has gas. Each key has nonces of its own.
 */
export class Relayers {
  readonly #options: Relayers.Options
  /** Keys without gas, until they are seen with some. */
  readonly #dry = new Set<Sender>()

  constructor(options: Relayers.Options) {
    this.#options = options
  }

  /** See {@link Chain.submit}. A key that lacks gas has sent nothing: the next one is asked. */
  async submit(order: Chain.Order): Promise<Chain.Outcome> {
    const { payee } = this.#options
    let outcome: Chain.Outcome | null = null
    for (const sender of relayed.has(order.kind) ? this.#willing() : [payee]) {
      outcome = await sender.submit(order)
      if (outcome.status !== 'rejected' || outcome.reason !== 'insufficient-gas-funds') return outcome
      this.#alarm(sender)
    }
    return outcome ?? payee.submit(order)
  }

  /** See {@link Chain.recover}. What a key that is no longer ours has sent is followed, and not replaced. */
  async recover(): Promise<void> {
    const { chainId, ledger, follower, report } = this.#options
    for (const sender of this.senders) await sender.recover()
    const known = new Set(this.senders.map(({ address }) => address))
    for (const intent of await ledger.openIntents()) {
      if (intent.chainId !== chainId || known.has(intent.from)) continue
      const { status } = await follower.follow(intent)
      if (status === 'pending')
        report('warn', 'intent-of-unknown-key', { id: intent.id, from: intent.from, nonce: intent.nonce })
    }
    await this.tend()
  }

  /** See {@link Chain.tend}. One key that cannot be tended keeps no other waiting. */
  async tend(): Promise<void> {
    const failed: unknown[] = []
    for (const sender of this.senders)
      await sender.tend().catch((error: unknown) => {
        failed.push(error)
      })
    if (failed.length > 0) throw failed[0]
  }

  /** Alarms about every key that has no gas, and tells when one has some again. */
  async checkGas(): Promise<void> {
    for (const sender of this.senders) {
      if (await this.#options.hasGas(sender)) {
        if (this.#dry.delete(sender)) this.#options.report('info', 'gas-refilled', { key: sender.address })
      } else this.#alarm(sender)
    }
  }

  get senders(): readonly Sender[] {
    return [this.#options.payee, ...this.#options.others]
  }

  /** Whom to ask to relay, in this order. */
  #willing(): Sender[] {
    const { payee, others } = this.#options
    return [...others.filter((sender) => !this.#dry.has(sender)).sort((a, b) => a.load - b.load), payee]
  }

  #alarm(sender: Sender): void {
    if (this.#dry.has(sender)) return
    this.#dry.add(sender)
    const { payee, chainId, report } = this.#options
    const key = sender.address
    const isPayee = sender === payee
    report('warn', isPayee ? 'payee-without-gas' : 'relayer-without-gas', {
      [isPayee ? 'payee' : 'relayer']: key,
      chainId,
      fix: `send ${key} some of the coin of chain ${chainId}; until then ${isPayee ? 'nothing can be settled' : 'others relay in its place'}`,
    })
  }
}

export declare namespace Relayers {
  type Options = {
    chainId: number
    payee: Sender
    others: readonly Sender[]
    follower: Follower
    ledger: Pick<Ledger, 'openIntents'>
    hasGas(sender: Sender): Promise<boolean>
    report: Report
  }
}
