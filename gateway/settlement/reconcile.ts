import type { Address, Hex } from 'viem'
import type { Chain } from '../chain/Chain.ts'
import * as Account from '../ledger/Account.ts'
import * as Asset from '../ledger/Asset.ts'
import type { Channel } from '../ledger/Channel.ts'
import type { Ledger } from '../ledger/Ledger.ts'
import { askChannels } from './ask-channels.ts'
import { type Difference, type Movement, ofChannel, ofMovement, ofTreasury } from './Difference.ts'

/**
 * Compares the books with the chain and names every difference: each transfer of the tokens to or from the payee since
 * `fromBlock` with the booked entries of its transaction (a batch is one transfer for many entries), each channel of the
 * payee with the escrow, and each treasury account with its entries. What is not deep enough to be booked is left out on
 * both sides. Only reads. Take it when nothing is being settled: what is booked meanwhile would count as a difference.
 */
export async function reconcile(options: reconcile.Options): Promise<reconcile.Result> {
  const { chain, fromBlock = 0n, maxRange = 2_000n } = options
  const to = await newestDeep(chain)
  const within = { from: fromBlock, to }
  const ranges = [...split(within, maxRange)]
  const money = await compareMoney(options, within, ranges)
  const channels = await compareChannels(options, ranges)
  return {
    differences: [...money.differences, ...channels.differences],
    checked: { blocks: Number(to - fromBlock) + 1, ...money.checked, channels: channels.checked },
  }
}

/** Every transaction that moved a token to or from the payee, and each treasury account. */
async function compareMoney(
  { ledger, chain, tokens }: reconcile.Options,
  within: Chain.Range,
  ranges: readonly Chain.Range[],
): Promise<{ differences: Difference[]; checked: { transfers: number; entries: number } }> {
  const differences: Difference[] = []
  const checked = { transfers: 0, entries: 0 }
  const booked = await readBooked({ ledger, chain }, within)
  const assets = new Map(tokens.map((token) => [Asset.of(chain.id, token), token]))
  for (const asset of new Set([...assets.keys(), ...booked.keys()])) {
    const token = assets.get(asset) ?? (asset.slice(asset.lastIndexOf(':') + 1) as Address)
    const { movements, entries, sum } = booked.get(asset) ?? new BookedMovements()
    checked.entries += entries
    for (const range of ranges)
      for (const transfer of await chain.transfers(token, range)) {
        checked.transfers += 1
        if (transfer.from === transfer.to) continue
        movementOf(movements, transfer.transaction)[transfer.to === chain.payee ? 'received' : 'sent'] +=
          transfer.value
      }
    for (const movement of movements.values()) differences.push(...ofMovement(asset, movement))
    const { posted } = await ledger.balance(Account.treasury, asset)
    differences.push(...ofTreasury(asset, sum, -posted))
  }
  return { differences, checked }
}

/** What the books have of one asset. Base units. */
class BookedMovements {
  /** By transaction, within the blocks that are compared: a batch is one for many entries. */
  readonly movements = new Map<Hex, Movement>()
  /** How many entries that were. */
  entries = 0
  /** Of all entries, wherever they stand. */
  sum = 0n
}

/** Reads all entries, a page at a time: there is one for each settlement that ever was, and only their sums are kept. */
async function readBooked(
  { ledger, chain }: Pick<reconcile.Options, 'ledger' | 'chain'>,
  { from, to }: Chain.Range,
): Promise<Map<Asset.Asset, BookedMovements>> {
  const booked = new Map<Asset.Asset, BookedMovements>()
  let page = await ledger.chainEntries(chain.id)
  while (page.length > 0) {
    for (const { ref, asset, amount, kind } of page) {
      const of = booked.get(asset) ?? new BookedMovements()
      booked.set(asset, of)
      const isPaidOut = kind === 'withdrawal'
      of.sum += isPaidOut ? -amount : amount
      if (ref.block > to || ref.block < from) continue
      of.entries += 1
      movementOf(of.movements, ref.transaction)[isPaidOut ? 'paidOut' : 'booked'] += amount
    }
    page = await ledger.chainEntries(chain.id, page.at(-1)?.ref)
  }
  return booked
}

function movementOf(movements: Map<Hex, Movement>, transaction: Hex): Movement {
  const key = transaction.toLowerCase() as Hex
  const known = movements.get(key) ?? { transaction: key, received: 0n, sent: 0n, booked: 0n, paidOut: 0n }
  movements.set(key, known)
  return known
}

/** Every channel that the books have, a page at a time; then those that only the escrow has. */
async function compareChannels(
  { ledger, chain, tokens }: reconcile.Options,
  ranges: readonly Chain.Range[],
): Promise<{ differences: Difference[]; checked: number }> {
  const differences: Difference[] = []
  let checked = 0
  const ask = async (booked: ReadonlyMap<Hex, Channel | null>, block: bigint) => {
    for await (const [id, found] of askChannels(chain, booked.keys(), block)) {
      checked += 1
      differences.push(...ofChannel(id, found, sideOf(booked.get(id) ?? null)))
    }
  }
  const escrow = { chainId: chain.id, escrow: chain.escrow }
  for (let place: number | null = 0; place !== null; ) {
    // Of many channels the last ones are read long after the first: each page is compared with the chain of its own time.
    const block = await newestDeep(chain)
    const { channels, next }: Awaited<ReturnType<Ledger['channelsOf']>> = await ledger.channelsOf(
      escrow,
      place,
    )
    await ask(new Map(channels.map((channel) => [channel.id, channel])), block)
    place = next
  }
  for (const range of ranges) {
    const unknown = new Map<Hex, null>()
    for (const event of await chain.escrowEvents(range)) {
      const id = event.channelId.toLowerCase() as Hex
      const isOurs = event.name === 'opened' && tokens.some((token) => token.toLowerCase() === event.token)
      if (isOurs && (await ledger.channel(id)) === null) unknown.set(id, null)
    }
    await ask(unknown, await newestDeep(chain))
  }
  return { differences, checked }
}

/** The newest block that is deep enough to be booked. */
async function newestDeep(chain: Pick<Chain, 'head' | 'confirmations'>): Promise<bigint> {
  return (await chain.head()).number - BigInt(chain.confirmations) + 1n
}

/** What the books have of a channel on chain: what a reorganisation took of its deposit they know to be missing. */
function sideOf(channel: Channel | null) {
  if (channel === null) return null
  const { deposit, depositMissing, settled, finalized } = channel
  return { deposit: deposit - depositMissing, settled, finalized }
}

/** Cuts a range into pieces of at most `size` blocks. */
export function* split(range: Chain.Range, size: bigint): Generator<Chain.Range> {
  for (let from = range.from; from <= range.to; from += size)
    yield { from, to: from + size - 1n < range.to ? from + size - 1n : range.to }
}

export declare namespace reconcile {
  type Options = {
    ledger: Pick<Ledger, 'chainEntries' | 'channelsOf' | 'channel' | 'balance'>
    chain: Pick<
      Chain,
      'id' | 'escrow' | 'payee' | 'confirmations' | 'head' | 'transfers' | 'escrowEvents' | 'channel'
    >
    /** The tokens that are sold for; others that the books have entries in are checked as well. */
    tokens: readonly Address[]
    /** First block to compare: that of the escrow's deployment. Default 0. */
    fromBlock?: bigint
    /** Blocks asked for at once. Default 2,000. */
    maxRange?: bigint
  }
  type Result = {
    /** Empty when the books and the chain agree. */
    differences: Difference[]
    checked: { blocks: number; transfers: number; entries: number; channels: number }
  }
}
