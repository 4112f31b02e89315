import type { Address, Hex } from 'viem'
import * as Account from '../../Account.ts'
import type { Asset } from '../../Asset.ts'
import type { Channel } from '../../Channel.ts'
import { ChannelNotFoundError } from '../../errors.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'
import { balanceOf } from '../working-set/balances.ts'

/** A channel with what is reserved, which the books keep as the pending balance of its prepaid account. */
export type ChannelRow = {
  id: Hex
  chain_id: number
  escrow: Address
  payer: Address
  payee: Address
  token: Address
  asset: Asset
  signer: Address
  deposit: string
  settled: string
  accepted: string
  spent: string
  reserved: string | null
  voucher_cumulative: string | null
  voucher_signature: Hex | null
  close_requested_at: number | null
  finalized: number
  opened_at: number
  unsettled_since: number | null
  last_used_at: number
  suspended: string | null
  deposit_missing: string
  in_debt: string
}

const find = sql<[string], Omit<ChannelRow, 'reserved'>>`SELECT * FROM channels WHERE id = ?`

/** One channel. */
export function findChannel(books: Books, id: Hex): Channel | null {
  const channel = readChannel(books, id)
  if (channel === null) return null
  const { pending: reserved } = balanceOf(books, Account.prepaid(channel.id), channel.asset)
  return { ...channel, reserved }
}

/** One channel without what is reserved. */
export function readChannel(books: Books, name: Hex): Channel | null {
  const id = name.toLowerCase() as Hex
  const known = books.rows.channels.get(id)
  if (known !== undefined) return known
  const row = books.load(find, id)
  return row === null ? null : books.rows.channels.keep(id, toChannel({ ...row, reserved: null }))
}

/** One channel that must be there. */
export function needChannel(books: Books, id: Hex): Channel {
  const channel = findChannel(books, id)
  if (channel === null) throw new ChannelNotFoundError(id)
  return channel
}

export function toChannel(row: ChannelRow): Channel {
  return {
    id: row.id,
    chainId: row.chain_id,
    escrow: row.escrow,
    payer: row.payer,
    payee: row.payee,
    token: row.token,
    asset: row.asset,
    signer: row.signer,
    deposit: BigInt(row.deposit),
    settled: BigInt(row.settled),
    accepted: BigInt(row.accepted),
    spent: BigInt(row.spent),
    reserved: BigInt(row.reserved ?? 0),
    voucher:
      row.voucher_cumulative === null || row.voucher_signature === null
        ? null
        : { cumulative: BigInt(row.voucher_cumulative), signature: row.voucher_signature },
    closeRequestedAt: row.close_requested_at,
    finalized: row.finalized === 1,
    depositMissing: BigInt(row.deposit_missing),
    inDebt: BigInt(row.in_debt),
    suspended: row.suspended,
    openedAt: row.opened_at,
    unsettledSince: row.unsettled_since,
    lastUsedAt: row.last_used_at,
  }
}
