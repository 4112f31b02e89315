import { randomUUID } from 'node:crypto'
import { hexToBigInt, keccak256, type LocalAccount } from 'viem'
import type { Clock } from '../clock.ts'
import type { Ledger } from '../ledger/Ledger.ts'
import { type Broadcast, broadcast } from './broadcast.ts'
import type { Chain } from './Chain.ts'
import { asking, ChainUnavailableError } from './ChainUnavailableError.ts'
import { decodeRevert } from './decode-revert.ts'
import { createFollower, type Follower } from './Follower.ts'
import { estimateFees } from './fees.ts'
import { NonceManager } from './NonceManager.ts'
import type { Report } from './Report.ts'
import type { Rpc } from './rpc.ts'

/**
 * The one that sends from the payee's key. Its order is what makes a crash at any point harmless:
 * simulate → take a nonce → sign (the hash is known) → record the intent durably → broadcast → follow to the end.
 * Whatever was signed and recorded is only ever broadcast again as the same bytes.
 */
export class Sender {
  readonly #options: Sender.Options
  readonly #follower: Follower
  #nonces: NonceManager | null = null
  /** Everything up to the broadcast happens one at a time, so that nonces leave in their order. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(options: Sender.Options) {
    this.#options = options
    this.#follower = createFollower(options)
  }

  async submit(order: Chain.Order): Promise<Chain.Outcome> {
    const sent = await this.#inTurn(() => this.#send(order, 3))
    if ('status' in sent) return sent
    const { intent } = sent
    const fate = await this.#follower.wait(intent, order.timeoutMs ?? this.#options.timeoutMs)
    if (fate.status === 'pending')
      return { status: 'unknown', hash: intent.hash, reason: sent.unclear ?? 'not-mined-in-time' }
    if (fate.status === 'dropped') return { status: 'rejected', reason: fate.reason }
    return fate
  }

  /** See {@link Chain.recover}. */
  async recover(): Promise<void> {
    await this.#inTurn(async () => {
      for (const intent of await this.#openIntents()) {
        const fate = await this.#follower.follow(intent)
        const { id, kind, nonce, hash } = intent
        this.#options.report('info', 'intent-recovered', { id, kind, nonce, hash, fate: fate.status })
      }
      this.#nonces = null
    })
  }

  follow(intent: Ledger.Intent): Promise<Chain.Fate> {
    return this.#follower.follow(intent)
  }

  close(): void {
    this.#follower.close()
  }

  async #send(order: Chain.Order, attempts: number): Promise<Sent> {
    const gas = await this.#simulate(order)
    if (typeof gas !== 'bigint') return gas
    const fees = await asking('fee estimation', () => estimateFees(this.#options.rpc.read))
    const nonces = await this.#loadNonces()
    const nonce = nonces.take()
    let intent: Ledger.Intent
    try {
      intent = await this.#intend(order, nonce, gas, fees)
    } catch (error) {
      nonces.release(nonce)
      throw error
    }
    const answer = await this.#broadcast(intent)
    if (answer.result === 'accepted') return { intent }
    if (answer.result === 'unclear') return { intent, unclear: answer.reason }
    await this.#drop(intent, answer.reason)
    this.#nonces = null
    if (answer.result === 'nonce-taken' && attempts > 1) return this.#send(order, attempts - 1)
    return { status: 'rejected', reason: answer.reason }
  }

  /** Gas to offer, or why it must not be sent. */
  async #simulate(order: Chain.Order): Promise<bigint | Rejected> {
    const { rpc, account } = this.#options
    const call = { from: account.address, to: order.to, data: order.data }
    try {
      const estimate = await rpc.read.request({ method: 'eth_estimateGas', params: [call] })
      return (hexToBigInt(estimate) * 5n) / 4n + 10_000n
    } catch (error) {
      if (/insufficient funds|enough funds/i.test(error instanceof Error ? error.message : ''))
        return { status: 'rejected', reason: 'insufficient-gas-funds' }
      const reason = decodeRevert(error)
      if (reason === null) throw new ChainUnavailableError('eth_estimateGas', error)
      return { status: 'rejected', reason }
    }
  }

  async #intend(order: Chain.Order, nonce: number, gas: bigint, fees: Sender.Fees): Promise<Ledger.Intent> {
    const { account, chainId, ledger, clock } = this.#options
    const { to, data } = order
    const raw = await account.signTransaction({ chainId, nonce, to, data, gas, value: 0n, ...fees })
    return ledger.intend({
      id: `int_${randomUUID().replaceAll('-', '')}`,
      chainId,
      kind: order.kind,
      subjects: order.subjects,
      from: account.address,
      nonce,
      raw,
      hash: keccak256(raw),
      now: clock.now(),
    })
  }

  /** A taken nonce may be our own: an answer was lost on the way and the transaction is mined. The receipt tells. */
  async #broadcast(intent: Ledger.Intent): Promise<Broadcast> {
    const { rpc, ledger, clock } = this.#options
    let answer = await broadcast(rpc, intent.raw)
    if (answer.result === 'nonce-taken') {
      const known = await this.#follower.isKnown(intent).catch(() => null)
      if (known === null) answer = { result: 'unclear', reason: answer.reason }
      else if (known) answer = { result: 'accepted' }
    }
    if (answer.result === 'accepted')
      await ledger.updateIntent(intent.id, { state: 'sent', now: clock.now() })
    return answer
  }

  async #drop(intent: Ledger.Intent, reason: string): Promise<void> {
    const { ledger, clock, report } = this.#options
    await ledger.updateIntent(intent.id, { state: 'dropped', reason, now: clock.now() })
    report('warn', 'transaction-refused', { id: intent.id, nonce: intent.nonce, reason })
  }

  /** What is taken: by the chain, and by intents that have not ended. Read again whenever a nonce turned out wrong. */
  async #loadNonces(): Promise<NonceManager> {
    if (this.#nonces !== null) return this.#nonces
    const nonces = new NonceManager()
    const { account, rpc } = this.#options
    const count = { address: account.address, blockTag: 'pending' } as const
    nonces.raise(await asking('eth_getTransactionCount', () => rpc.read.getTransactionCount(count)))
    for (const { nonce } of await this.#openIntents()) nonces.hold(nonce)
    this.#nonces = nonces
    return nonces
  }

  async #openIntents(): Promise<Ledger.Intent[]> {
    const { ledger, chainId, account } = this.#options
    const open = await ledger.openIntents()
    const own = account.address.toLowerCase()
    return open
      .filter((intent) => intent.chainId === chainId && intent.from.toLowerCase() === own)
      .sort((a, b) => a.nonce - b.nonce)
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#turn.then(work)
    this.#turn = turn.catch(() => {})
    return turn
  }
}

type Rejected = { status: 'rejected'; reason: string }
type Sent = { intent: Ledger.Intent; unclear?: string } | Rejected

export declare namespace Sender {
  type Fees = Awaited<ReturnType<typeof estimateFees>>
  type Options = {
    chainId: number
    rpc: Rpc
    account: LocalAccount
    ledger: Pick<Ledger, 'intend' | 'updateIntent' | 'openIntents'>
    clock: Clock
    report: Report
    confirmations: number
    pollingMs: number
    timeoutMs: number
  }
}
