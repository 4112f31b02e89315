import type { Hex } from 'viem'

type Log = { address: Hex; topics: Hex[] }
export type MinedReceipt = { transactionHash: Hex; logs: Log[] }

/** What `eth_getLogs` asks for. */
export type LogFilter = {
  fromBlock?: unknown
  toBlock?: unknown
  address?: Hex | Hex[]
  topics?: (Hex | Hex[] | null)[]
}

/** The blocks that had something in them, with the receipts that the EVM gave for it. All others are empty. */
export class MinedBlocks {
  readonly #blocks = new Map<bigint, MinedReceipt[]>()
  readonly #receipts = new Map<string, MinedReceipt>()

  add(number: bigint, receipts: MinedReceipt[]): void {
    this.#blocks.set(number, receipts)
    for (const receipt of receipts) this.#receipts.set(receipt.transactionHash, receipt)
  }

  /** Everything above this block was taken back. */
  cut(height: bigint): void {
    for (const [number, receipts] of this.#blocks) {
      if (number <= height) continue
      this.#blocks.delete(number)
      for (const { transactionHash } of receipts) this.#receipts.delete(transactionHash)
    }
  }

  /** The newest of them up to a block; null when there is none. */
  upTo(height: bigint): bigint | null {
    let found: bigint | null = null
    for (const number of this.#blocks.keys()) if (number <= height) found = number
    return found
  }

  receipt(hash: string): MinedReceipt | null {
    return this.#receipts.get(hash.toLowerCase()) ?? null
  }

  logs(from: bigint, to: bigint, { address, topics = [] }: LogFilter): Log[] {
    const found: Log[] = []
    // In the order of their blocks: that is how they were mined.
    for (const [number, receipts] of this.#blocks) {
      if (number < from || number > to) continue
      for (const log of receipts.flatMap(({ logs }) => logs))
        if (
          isOneOf(log.address, address) &&
          topics.every((topic, index) => isOneOf(log.topics[index], topic))
        )
          found.push(log)
    }
    return found
  }
}

function isOneOf(value: Hex | undefined, wanted: Hex | Hex[] | null | undefined): boolean {
  if (wanted === null || wanted === undefined) return true
  if (value === undefined) return false
  return [wanted].flat().some((each) => each.toLowerCase() === value.toLowerCase())
}
