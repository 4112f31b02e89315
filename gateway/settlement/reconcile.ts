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
  const { ledger, chain, tokens, fromBlock = 0n, maxRange = 2_000n } = options
  const to = (await chain.head()).number - BigInt(chain.confirmations) + 1n
  const ranges = [...split({ from: fromBlock, to }, maxRange)]
  const differences: Difference[] = []
  const checked = { blocks: Number(to - fromBlock) + 1, transfers: 0, entries: 0, channels: 0 }

  const entries = await ledger.chainEntries(chain.id)
  const assets = new Map(tokens.map((token) => [Asset.of(chain.id, token), token]))
  for (const asset of new Set([...assets.keys(), ...entries.map((entry) => entry.asset)])) {
    const token = assets.get(asset) ?? (asset.slice(asset.lastIndexOf(':') + 1) as Address)
    const own = entries.filter((entry) => entry.asset === asset)
    const movements = new Map<Hex, Movement>()
    const of = (transaction: Hex) => {
      const key = transaction.toLowerCase() as Hex
      const known = movements.get(key) ?? {
        transaction: key,
        received: 0n,
        sent: 0n,
        booked: 0n,
        paidOut: 0n,
      }
      movements.set(key, known)
      return known
    }
    for (const range of ranges)
      for (const transfer of await chain.transfers(token, range)) {
        checked.transfers += 1
        if (transfer.from === transfer.to) continue
        of(transfer.transaction)[transfer.to === chain.payee ? 'received' : 'sent'] += transfer.value
      }
    for (const { ref, amount, kind } of own) {
      if (ref.block > to || ref.block < fromBlock) continue
      checked.entries += 1
      of(ref.transaction)[kind === 'withdrawal' ? 'paidOut' : 'booked'] += amount
    }
    for (const movement of movements.values()) differences.push(...ofMovement(asset, movement))
    const { posted } = await ledger.balance(Account.treasury, asset)
    const sum = own.reduce(
      (total, { amount, kind }) => total + (kind === 'withdrawal' ? -amount : amount),
      0n,
    )
    differences.push(...ofTreasury(asset, sum, -posted))
  }

  const ids = new Set<Hex>()
  for (const range of ranges)
    for (const event of await chain.escrowEvents(range))
      if (event.name === 'opened' && tokens.some((token) => token.toLowerCase() === event.token))
        ids.add(event.channelId.toLowerCase() as Hex)
  const booked = new Map((await ledger.channels({})).map((channel) => [channel.id, channel]))
  for (const [id, { chainId, escrow }] of booked)
    if (chainId === chain.id && escrow === chain.escrow) ids.add(id)
  for await (const [id, found] of askChannels(chain, ids, to)) {
    checked.channels += 1
    differences.push(...ofChannel(id, found, sideOf(booked.get(id))))
  }
  return { differences, checked }
}

/** What the books have of a channel on chain: what a reorganisation took of its deposit they know to be missing. */
function sideOf(channel: Channel | undefined) {
  if (channel === undefined) return null
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
    ledger: Pick<Ledger, 'chainEntries' | 'channels' | 'balance'>
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
