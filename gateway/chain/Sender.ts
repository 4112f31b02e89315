import { randomUUID } from 'node:crypto'
import { type Address, hexToBigInt, type LocalAccount } from 'viem'
import type { Clock } from '../clock.ts'
import { GatewayError } from '../errors.ts'
import type { Ledger } from '../ledger/Ledger.ts'
import { type Broadcast, broadcast } from './broadcast.ts'
import type { Chain } from './Chain.ts'
import { asking, ChainUnavailableError } from './ChainUnavailableError.ts'
import { decodeRevert } from './decode-revert.ts'
import type { Follower } from './Follower.ts'
import { estimateFees, type Fees } from './fees.ts'
import { isStuck } from './is-stuck.ts'
import { NonceManager } from './NonceManager.ts'
import { nonceGaps } from './nonce-gaps.ts'
import type { Report } from './Report.ts'
import { raiseFees } from './raise-fees.ts'
import type { Rpc } from './rpc.ts'
import * as SignedTransaction from './SignedTransaction.ts'

/**
 * The one that sends from one key. Its order is what makes a crash at any point harmless:
 * simulate → take a nonce → sign (the hash is known) → record the intent durably → broadcast → follow to the end.
 * Whatever was signed and recorded is only ever broadcast again as the same bytes, or replaced under its own nonce by the
 * same call for a higher fee, which is recorded beside it before it is broadcast: of the two one is mined.
 */
export class Sender {
  readonly #options: Sender.Options
  #nonces: NonceManager | null = null
  /** Everything up to the broadcast happens one at a time, so that nonces leave in their order. */
  #turn: Promise<unknown> = Promise.resolve()
  #load = 0
  /** Intents whose fee has reached its ceiling: told once. */
  readonly #atCeiling = new Set<string>()

  constructor(options: Sender.Options) {
    this.#options = options
  }

  get address(): Address {
    return this.#options.account.address.toLowerCase() as Address
  }

  /** How many orders are under way. */
  get load(): number {
    return this.#load
  }

  async submit(order: Chain.Order): Promise<Chain.Outcome> {
    this.#load += 1
    try {
      return await this.#submit(order)
    } finally {
      this.#load -= 1
    }
  }

  async #submit(order: Chain.Order): Promise<Chain.Outcome> {
    const sent = await this.#inTurn(() => this.#send(order, 3))
    if ('status' in sent) return sent
    const { intent, joined } = sent
    const timeoutMs = order.timeoutMs ?? this.#options.timeoutMs
    const fate = await this.#options.follower.wait(intent, timeoutMs, order.confirmations)
    if (fate.status === 'pending')
      return { status: 'unknown', hash: intent.hash, reason: sent.unclear ?? 'not-mined-in-time', ...joined }
    if (fate.status === 'dropped') return { status: 'rejected', reason: fate.reason, ...joined }
    return { ...fate, ...joined }
  }

  /** See {@link Chain.recover}. */
  async recover(): Promise<void> {
    await this.#inTurn(async () => {
      for (const intent of await this.#openIntents()) {
        const fate = await this.#options.follower.follow(intent)
        const { id, kind, nonce, hash } = intent
        this.#options.report('info', 'intent-recovered', { id, kind, nonce, hash, fate: fate.status })
      }
      this.#nonces = null
    })
  }

  /** Raises the fee of what is stuck, and fills the gaps that others wait for; see {@link Chain.tend}. */
  async tend(): Promise<void> {
    const open = await this.#openIntents()
    if (open.length === 0) return
    const head = await this.#head()
    for (const intent of open)
      if (intent.nonce >= head.count) await this.#inTurn(() => this.#raise(intent, head))
    const gaps = nonceGaps(
      head.pending,
      open.map(({ nonce }) => nonce),
    )
    if (gaps.length > 0) await this.#inTurn(() => this.#repair())
  }

  /** What an order would come to if it were sent now. */
  async simulate(order: Pick<Chain.Order, 'to' | 'data'>): Promise<Chain.Simulation> {
    const gas = await this.#simulate(order)
    return typeof gas === 'bigint' ? { status: 'passes' } : gas
  }

  /** Signs an open intent again for a higher fee, when it is stuck. Decided on what the books say now. */
  async #raise(intent: Ledger.Intent, head: Head): Promise<void> {
    const { account, clock, fees: policy, ledger, report, rpc } = this.#options
    const attempts = await ledger.attempts(intent.id)
    const [first, newest] = [attempts[0], attempts.at(-1)]
    const last = newest === undefined ? null : SignedTransaction.parse(newest.raw)
    if (first === undefined || newest === undefined || last === null) return
    const now = clock.now()
    if (!isStuck({ nonce: intent.nonce, signedAt: newest.at, fees: last.fees }, head, now, policy)) return
    const market = await asking('fee estimation', () => estimateFees(rpc.read))
    const fees = raiseFees(last.fees, market, SignedTransaction.ceiling(first.raw, policy.maxMultiple))
    const { id, kind, nonce } = intent
    if (fees === null) {
      if (!this.#atCeiling.has(id))
        report('error', 'transaction-stuck', { id, kind, nonce, hash: newest.hash })
      this.#atCeiling.add(id)
      return
    }
    // It may have ended meanwhile: then the books refuse it, and nothing is broadcast.
    if (!(await this.#openIntents()).some((open) => open.id === id)) return
    const { raw, hash } = await SignedTransaction.sign(account, last.call, fees)
    await ledger.replaceIntent(id, { raw, hash, at: now })
    const { result } = await broadcast(rpc, raw)
    report('warn', 'transaction-replaced', { id, kind, nonce, hash, before: newest.hash, result })
  }

  /** Fills the gaps below open intents with transactions that move nothing. */
  async #repair(): Promise<void> {
    const { account, report, rpc } = this.#options
    this.#nonces = null
    const nonces = await this.#loadNonces()
    const open = (await this.#openIntents()).map(({ nonce }) => nonce)
    const order: Chain.Order = { kind: 'repair', subjects: [], to: account.address, data: '0x' }
    const { pending } = await this.#head()
    const mined = new Map((await this.#mined(pending)).map((intent) => [intent.nonce, intent]))
    for (const nonce of nonceGaps(pending, open)) {
      // It was mined: the node is behind, or a reorganisation took it out. Nothing else takes its place that may come back.
      const known = mined.get(nonce)
      if (known !== undefined) {
        const { result } = await broadcast(rpc, known.raw)
        report('warn', 'transaction-resent', { id: known.id, nonce, hash: known.hash, result })
        if (result !== 'refused') continue
      }
      const gas = await this.#simulate(order)
      if (typeof gas !== 'bigint') return report('error', 'nonce-gap', { nonce, reason: gas.reason })
      const fees = await asking('fee estimation', () => estimateFees(rpc.read))
      const intent = await this.#intend(order, nonce, gas, fees)
      nonces.hold(nonce)
      const answer = await this.#broadcast(intent)
      report('warn', 'nonce-repaired', { id: intent.id, nonce, hash: intent.hash, result: answer.result })
      if (answer.result === 'refused' || answer.result === 'nonce-taken') {
        await this.#drop(intent, answer.reason)
        this.#nonces = null
        return
      }
    }
    // A node may have thrown away what came before its time.
    for (const { raw, kind } of await this.#openIntents()) if (kind !== 'repair') await broadcast(rpc, raw)
  }

  async #head(): Promise<Head> {
    const { account, rpc } = this.#options
    const { address } = account
    return asking('eth_getTransactionCount', async () => {
      const [count, pending, block] = await Promise.all([
        rpc.read.getTransactionCount({ address, blockTag: 'latest' }),
        rpc.read.getTransactionCount({ address, blockTag: 'pending' }),
        rpc.read.getBlock(),
      ])
      return { count, pending: Math.max(count, pending), baseFee: block.baseFeePerGas }
    })
  }

  async #send(order: Chain.Order, attempts: number): Promise<Sent> {
    const gas = await this.#simulate(order)
    if (typeof gas !== 'bigint') return gas
    const fees = await asking('fee estimation', () => estimateFees(this.#options.rpc.read))
    const intent = await this.#record(order, gas, fees).catch((error: unknown) =>
      this.#standBack(order, error),
    )
    if ('status' in intent || 'joined' in intent) return intent
    const answer = await this.#broadcast(intent)
    if (answer.result === 'accepted') return { intent }
    if (answer.result === 'unclear') return { intent, unclear: answer.reason }
    await this.#drop(intent, answer.reason)
    this.#nonces = null
    if (answer.result === 'nonce-taken' && attempts > 1) return this.#send(order, attempts - 1)
    return { status: 'rejected', reason: answer.reason }
  }

  /** Writes the intent under the next nonce. Another process that sends from this key may have taken it: then a later one. */
  async #record(order: Chain.Order, gas: bigint, fees: Fees): Promise<Ledger.Intent> {
    for (let tries = 1; ; tries += 1) {
      const nonces = await this.#loadNonces()
      const nonce = nonces.take()
      try {
        return await this.#intend(order, nonce, gas, fees)
      } catch (error) {
        nonces.release(nonce)
        if (codeOf(error) !== 'nonce-taken' || tries === mostTaken) throw error
        this.#nonces = null
      }
    }
  }

  /** The books say that another transaction is out for this. The same deposit is waited for; anything else is left to it. */
  async #standBack(order: Chain.Order, error: unknown): Promise<Joined | Rejected> {
    const code = codeOf(error)
    if (code === 'not-asked-to-close') return { status: 'rejected', reason: code }
    if (!(error instanceof GatewayError) || code !== 'intent-under-way') throw error
    const open = await this.#options.ledger.openIntents()
    const other = open.find(({ id }) => id === error.details.intent)
    if (other === undefined || (order.kind !== 'open' && order.kind !== 'top-up'))
      return { status: 'rejected', reason: 'under-way' }
    return { intent: other, joined: { joined: true } }
  }

  /** Gas to offer, or why it must not be sent. */
  async #simulate(order: Pick<Chain.Order, 'to' | 'data' | 'gasLimit'>): Promise<bigint | Rejected> {
    const { rpc, account } = this.#options
    const call = { from: account.address, to: order.to, data: order.data }
    try {
      const estimate = await rpc.read.request({ method: 'eth_estimateGas', params: [call] })
      if (order.gasLimit !== undefined && hexToBigInt(estimate) > BigInt(order.gasLimit))
        return { status: 'rejected', reason: 'gas-above-limit' }
      return (hexToBigInt(estimate) * 5n) / 4n + 10_000n
    } catch (error) {
      if (/insufficient funds|enough funds/i.test(error instanceof Error ? error.message : ''))
        return { status: 'rejected', reason: 'insufficient-gas-funds' }
      const reason = decodeRevert(error)
      if (reason === null) throw new ChainUnavailableError('eth_estimateGas', error)
      return { status: 'rejected', reason }
    }
  }

  async #intend(order: Chain.Order, nonce: number, gas: bigint, fees: Fees): Promise<Ledger.Intent> {
    const { account, chainId, ledger, clock } = this.#options
    const { to, data } = order
    const { raw, hash } = await SignedTransaction.sign(account, { chainId, nonce, to, data, gas }, fees)
    return ledger.intend({
      id: `int_${randomUUID().replaceAll('-', '')}`,
      chainId,
      kind: order.kind,
      subjects: order.subjects,
      from: account.address,
      nonce,
      raw,
      hash,
      now: clock.now(),
    })
  }

  /** A taken nonce may be our own: an answer was lost on the way and the transaction is mined. The receipt tells. */
  async #broadcast(intent: Ledger.Intent): Promise<Broadcast> {
    const { rpc, ledger, clock } = this.#options
    let answer = await broadcast(rpc, intent.raw)
    if (answer.result === 'nonce-taken') {
      const known = await this.#options.follower.isKnown(intent.hash).catch(() => null)
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
    const pending = await asking('eth_getTransactionCount', () => rpc.read.getTransactionCount(count))
    nonces.raise(pending)
    // What was mined stays taken, whatever a node that is behind has not heard of.
    for (const { nonce } of [...(await this.#openIntents()), ...(await this.#mined(pending))])
      nonces.hold(nonce)
    this.#nonces = nonces
    return nonces
  }

  #mined(from: number): Promise<Ledger.Intent[]> {
    const { ledger, chainId, account } = this.#options
    return ledger.minedIntents(chainId, account.address, from)
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

type Head = isStuck.Head & { pending: number }
type Rejected = { status: 'rejected'; reason: string }
type Joined = { intent: Ledger.Intent; joined: { joined: true } }
type Sent = { intent: Ledger.Intent; unclear?: string; joined?: Joined['joined'] } | Rejected

/** Most nonces that others may have taken in a row. */
const mostTaken = 50
const codeOf = (error: unknown) => (error instanceof GatewayError ? error.code : null)

export declare namespace Sender {
  /** What a sender needs of the ledger. */
  type Books = Pick<
    Ledger,
    'intend' | 'replaceIntent' | 'attempts' | 'updateIntent' | 'openIntents' | 'minedIntents'
  >
  type Options = {
    chainId: number
    rpc: Rpc
    account: LocalAccount
    follower: Follower
    ledger: Sender.Books
    fees: isStuck.Policy & { maxMultiple: number }
    clock: Clock
    report: Report
    timeoutMs: number
  }
}
