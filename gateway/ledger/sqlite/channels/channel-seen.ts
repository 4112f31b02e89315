import * as Amount from '../../Amount.ts'
import type { Channel } from '../../Channel.ts'
import { ChannelMismatchError } from '../../errors.ts'
import type { Ledger } from '../../Ledger.ts'
import type { Books } from '../Books.ts'
import { anchor } from '../reorg/anchors.ts'
import { depositNow } from '../reorg/deposit.ts'
import { sql } from '../sql.ts'
import { findChannel, needChannel } from './find-channel.ts'
import { saveChannel } from './save-channel.ts'

const insert = sql<
  [
    id: string,
    chainId: number,
    escrow: string,
    payer: string,
    payee: string,
    token: string,
    asset: string,
    signer: string,
    deposit: string,
    openedAt: number,
    lastUsedAt: number,
  ]
>`
  INSERT INTO channels (id, chain_id, escrow, payer, payee, token, asset, signer, deposit, settled, accepted, spent,
    finalized, opened_at, last_used_at)
  VALUES (lower(?), ?, lower(?), lower(?), lower(?), lower(?), lower(?), lower(?), ?, '0', '0', '0', 0, ?, ?)`

const fixed = ['chainId', 'escrow', 'payer', 'payee', 'token', 'asset', 'signer'] as const

/** Records a channel seen on chain, or raises its deposit. What is fixed for its life must be told alike. */
export function channelSeen(books: Books, seen: Ledger.ChannelSeen): Channel {
  const channel = record(books, seen)
  const { ref, asset, deposit } = seen
  if (ref !== undefined) anchor(books, { kind: 'deposit', subject: channel.id, asset, amount: deposit }, ref)
  if (channel.depositMissing === 0n || deposit < channel.deposit) return channel
  return depositNow(books, { channel: channel.id, onChain: deposit, gone: false })
}

function record(books: Books, seen: Ledger.ChannelSeen): Channel {
  Amount.check(seen.deposit)
  const { id, chainId, escrow, payer, payee, token, asset, signer, deposit, now } = seen
  const known = findChannel(books, id)
  if (known === null) {
    books.run(insert, id, chainId, escrow, payer, payee, token, asset, signer, String(deposit), now, now)
    return needChannel(books, id)
  }
  for (const what of fixed) {
    const [told, written] = [String(seen[what]).toLowerCase(), String(known[what])]
    if (told !== written) throw new ChannelMismatchError(id, what, told, written)
  }
  if (deposit <= known.deposit) return known
  saveChannel(books, { ...known, deposit })
  return needChannel(books, id)
}
