import { type Hex, numberToHex } from 'viem'
import { Answers, isNumber, isOfState } from './Answers.ts'
import { type LogFilter, MinedBlocks, type MinedReceipt } from './MinedBlocks.ts'

type Provider = { request(asked: { method: string; params?: unknown[] }): Promise<unknown> }

/**
 * The real EVM under a simulated chain, asked only for what it alone can say. An empty block is but a number and a time
 * until somebody looks at the chain: all that wait are then mined at once. Blocks that transactions wait for are mined
 * when they are due.
 */
export class Evm {
  readonly #provider: Provider
  readonly #answers = new Answers()
  /** Empty blocks that the EVM does not have yet. */
  #owed: Row[] = []
  /**
   * Blocks of which the EVM knows that they are there, and (up to Hardhat 3.17) not what was on the chain then: it mines
   * the first two and the last two of a row in full.
   */
  #hollow: { from: bigint; to: bigint }[] = []
  /** The newest block that the EVM has. */
  #mined = 0n
  readonly #busy = new MinedBlocks()
  /** May there be transactions that wait for a block? */
  #waiting = false
  /** The time that the EVM was told for its next block, in seconds. Null: it would take the clock of the machine. */
  #told: number | null = null
  #height = 0n
  /** The newest block when this began: what is below was not mined here. */
  readonly #first: bigint

  private constructor(provider: Provider, first: bigint) {
    this.#provider = provider
    this.#first = first
  }

  /** On a chain as it is now, which mines only when it is told to from here on. */
  static async create(provider: Provider): Promise<Evm> {
    await provider.request({ method: 'evm_setAutomine', params: [false] })
    return new Evm(
      provider,
      BigInt(String(await provider.request({ method: 'eth_blockNumber', params: [] }))),
    )
  }

  get height(): bigint {
    return this.#height
  }

  /** Asks, or knows. `next` is when the next block is due: what is pending is judged by its time. Milliseconds since the epoch. */
  async ask(method: string, given: readonly unknown[], next: number): Promise<unknown> {
    if (method === 'eth_blockNumber') return numberToHex(this.#height)
    if (method === 'eth_getTransactionReceipt') return this.#busy.receipt(String(given[0]))
    if (method === 'eth_getLogs') {
      const filter = given[0] as LogFilter
      const { fromBlock, toBlock } = filter
      // What is below was not mined here, and is asked for with all else.
      if (isNumber(fromBlock) && isNumber(toBlock) && BigInt(fromBlock) > this.#first)
        return this.#busy.logs(BigInt(fromBlock), BigInt(toBlock), filter)
    }
    const params = this.#exactly(method, given)
    const question = `${method} ${JSON.stringify(params)}`
    const known = this.#answers.find(question)
    if (known !== undefined) return known
    await this.#tell(next / 1_000)
    const answer = await this.#ask(method, params)
    this.#answers.keep(question, method, params, answer)
    return answer
  }

  /** The same question by the number of the block whose answer is known, or can be had. */
  #exactly(method: string, given: readonly unknown[]): readonly unknown[] {
    if (method === 'eth_getBlockByNumber' && given[0] === 'latest')
      return [numberToHex(this.#height), ...given.slice(1)]
    const [about, tag] = given
    if (method === 'eth_getCode') return [about, numberToHex(this.#first)]
    const block = isNumber(tag) ? BigInt(tag) : tag === 'latest' ? this.#height : null
    if (block === null || block > this.#height) return given
    // Empty blocks change nothing: the last one with something in it says the same.
    if (isOfState(method, given)) return [about, numberToHex(this.#busy.upTo(block) ?? this.#first)]
    if (method !== 'eth_call') return given
    const hollow = this.#hollow.findLast(({ from }) => from <= block)
    return hollow === undefined || block > hollow.to ? given : [about, numberToHex(hollow.to + 1n)]
  }

  /** Hands over a transaction. It waits for a block. */
  async send(raw: Hex): Promise<unknown> {
    this.#answers.changed()
    const hash = await this.#ask('eth_sendRawTransaction', [raw])
    this.#waiting = true
    return hash
  }

  /** So many blocks, the first at `first` and each `gapMs` after the one before. Milliseconds since the epoch. */
  async mine(count: number, first: number, gapMs: number): Promise<void> {
    for (let mined = 0; mined < count; mined += 1) {
      const at = first + mined * gapMs
      if (!this.#waiting) {
        this.#owe({ first: at, count: count - mined, gapMs })
        this.#height += BigInt(count - mined)
        return
      }
      await this.#ask('evm_mine', [numberToHex(at / 1_000)])
      this.#told = null
      this.#height += 1n
      this.#mined += 1n
      this.#answers.changed()
      await this.#look(this.#height)
      const left = (await this.#ask('eth_pendingTransactions', [])) as unknown[]
      this.#waiting = left.length > 0
    }
  }

  /** Writes down what a block has in it. */
  async #look(number: bigint): Promise<void> {
    const block = await this.#ask('eth_getBlockByNumber', [numberToHex(number), false])
    const receipts: MinedReceipt[] = []
    for (const hash of (block as { transactions: Hex[] }).transactions)
      receipts.push((await this.#ask('eth_getTransactionReceipt', [hash])) as MinedReceipt)
    this.#busy.add(number, receipts)
  }

  /** A point to come back to. */
  async snapshot(): Promise<string> {
    return String(await this.#ask('evm_snapshot', []))
  }

  /** Back to a point, with nothing that was mined or sent since. Returns the newest block there. */
  async revert(snapshot: string): Promise<{ timestamp: number }> {
    this.#owed = []
    await this.#ask('evm_revert', [snapshot])
    this.#told = null
    this.#answers.forget()
    const head = (await this.#ask('eth_getBlockByNumber', ['latest', false])) as Record<string, Hex>
    this.#height = BigInt(head.number ?? 0)
    this.#mined = this.#height
    this.#hollow = this.#hollow.filter(({ to }) => to < this.#height)
    this.#busy.cut(this.#height)
    // What waited at that point waits again.
    this.#waiting = true
    return { timestamp: Number(head.timestamp) }
  }

  #owe(row: Row): void {
    const last = this.#owed.at(-1)
    if (last !== undefined && last.gapMs === row.gapMs && last.first + last.count * last.gapMs === row.first)
      last.count += row.count
    else this.#owed.push(row)
  }

  /** Without this the EVM's own clock, which runs while virtual time stands still, is the time of what is pending. */
  async #tell(next: number): Promise<void> {
    if (this.#owed.length === 0 && this.#told === next) return
    await this.#ask('evm_setNextBlockTimestamp', [next])
    this.#told = next
  }

  async #realise({ first, count, gapMs }: Row): Promise<void> {
    const ask = (method: string, ...params: unknown[]) => this.#provider.request({ method, params })
    this.#told = null
    if (count < 3)
      for (let index = 0; index < count; index += 1)
        await ask('evm_mine', numberToHex((first + index * gapMs) / 1_000))
    else {
      await ask('evm_setNextBlockTimestamp', first / 1_000)
      await ask('hardhat_mine', numberToHex(count), numberToHex(gapMs / 1_000))
      const to = this.#mined + BigInt(count) - 2n
      if (to >= this.#mined + 3n) this.#hollow.push({ from: this.#mined + 3n, to })
    }
    this.#mined += BigInt(count)
  }

  /** Asks the EVM itself, which first gets the blocks that it is owed. */
  async #ask(method: string, params: readonly unknown[]): Promise<unknown> {
    const owed = this.#owed
    this.#owed = []
    for (const row of owed) await this.#realise(row)
    return this.#provider.request({ method, params: [...params] })
  }
}

/** Blocks at equal distances of time. */
type Row = { first: number; count: number; gapMs: number }
