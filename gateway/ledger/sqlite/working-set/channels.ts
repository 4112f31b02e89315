import type { Address, Hex } from 'viem'
import type { Asset } from '../../Asset.ts'
import type { AcceptedVoucher, Channel } from '../../Channel.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'
import { WriteBehind } from './WriteBehind.ts'

/** What stands in a channel's row, in base units. */
export type ChannelBooks = {
  /** `reserved` is the pending balance of `prepaid:<id>`, and `voucher` the last one of `vouchers`. */
  channel: Channel
  /** Balance of the account `channel:<id>`, without its sign. */
  owed: bigint
  /** Balance of the account `prepaid:<id>`. */
  prepaid: bigint
  /** Those that are kept, rising. */
  vouchers: readonly AcceptedVoucher[]
  /** The last transfer that spent of it. */
  lastSpend: number | null
}

/** A row of the table. */
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
  owed: string
  prepaid: string
  reserved: string
  vouchers: string
  last_spend: number | null
  close_requested_at: number | null
  finalized: number
  opened_at: number
  unsettled_since: number | null
  last_used_at: number
  suspended: string | null
  deposit_missing: string
  in_debt: string
}

const find = sql<[string], ChannelRow>`SELECT * FROM channels WHERE id = ?`
type Used = [
  deposit: string,
  settled: string,
  accepted: string,
  spent: string,
  owed: string,
  prepaid: string,
  reserved: string,
  vouchers: string,
  lastSpend: number | null,
  lastUsedAt: number,
]
// A statement that names a column of an index writes that index anew, changed or not: three, so that a call names none.
const use = sql<[...Used, id: string]>`
  UPDATE channels SET deposit = ?, settled = ?, accepted = ?, spent = ?, owed = ?, prepaid = ?, reserved = ?, vouchers = ?,
    last_spend = ?, last_used_at = ?
  WHERE id = ?`
const age = sql<[...Used, unsettledSince: number | null, id: string]>`
  UPDATE channels SET deposit = ?, settled = ?, accepted = ?, spent = ?, owed = ?, prepaid = ?, reserved = ?, vouchers = ?,
    last_spend = ?, last_used_at = ?, unsettled_since = ?
  WHERE id = ?`
const end = sql<[closeRequestedAt: number | null, finalized: number, id: string]>`
  UPDATE channels SET close_requested_at = ?, finalized = ? WHERE id = ?`
/** All of it at once: for the journal. */
export const saveChannel = sql<
  [...Used, unsettledSince: number | null, closeRequestedAt: number | null, finalized: number, id: string]
>`
  UPDATE channels SET deposit = ?, settled = ?, accepted = ?, spent = ?, owed = ?, prepaid = ?, reserved = ?, vouchers = ?,
    last_spend = ?, last_used_at = ?, unsettled_since = ?, close_requested_at = ?, finalized = ?
  WHERE id = ?`

/** A channel with all that its row has, or null where there is none. */
export function booksOf(books: Books, name: string): ChannelBooks | null {
  const asNamed = books.rows.channels.get(name)
  if (asNamed !== undefined) return asNamed
  const id = name.toLowerCase()
  const known = id === name ? undefined : books.rows.channels.get(id)
  if (known !== undefined) return known
  const row = books.load(find, id)
  return row === null ? null : books.rows.channels.keep(id, toBooks(row))
}

/** Channels. A schema that refused one would refuse what `isSound` does (law 3). */
export function channels(books: Books): WriteBehind<ChannelBooks> {
  return new WriteBehind({
    write(changes) {
      for (const { row, stored } of changes) writeBooks(books, row, stored)
    },
    kept: (row) => row,
    entry(id, row) {
      const { unsettledSince, closeRequestedAt, finalized } = row.channel
      return ['channel', ...used(row), unsettledSince, closeRequestedAt, Number(finalized), id]
    },
    isSound(_id, { channel, owed, prepaid }, before) {
      const { settled, spent, accepted, deposit, reserved } = channel
      const inOrder = settled >= 0n && settled <= spent && spent <= accepted && accepted <= deposit
      const isHeld = owed >= 0n && reserved >= 0n && reserved <= prepaid
      const grows =
        before === undefined || (accepted >= before.channel.accepted && spent >= before.channel.spent)
      return inOrder && isHeld && grows && (channel.unsettledSince === null) === (spent === settled)
    },
  })
}

/** Changes what stands in a channel's row. */
export function setBooks(books: Books, row: ChannelBooks): void {
  books.rows.channels.set(row.channel.id, row)
  books.writes++
}

/** Writes what changes in a channel's life. `stored` is what the row says, where that is known. */
function writeBooks(books: Books, row: ChannelBooks, stored: ChannelBooks | undefined): void {
  const { id, unsettledSince, closeRequestedAt, finalized } = row.channel
  const before = stored?.channel
  if (before?.unsettledSince === unsettledSince) books.write(use, ...used(row), id)
  else books.write(age, ...used(row), unsettledSince, id)
  if (before?.closeRequestedAt !== closeRequestedAt || before.finalized !== finalized)
    books.write(end, closeRequestedAt, Number(finalized), id)
}

function used({ channel, owed, prepaid, vouchers, lastSpend }: ChannelBooks): Used {
  return [
    String(channel.deposit),
    String(channel.settled),
    String(channel.accepted),
    String(channel.spent),
    String(owed),
    String(prepaid),
    String(channel.reserved),
    JSON.stringify(vouchers.map(({ cumulative, signature }) => [String(cumulative), signature])),
    lastSpend,
    channel.lastUsedAt,
  ]
}

/** As a row has them; the schema keeps them valid. */
export function vouchersIn(text: string): AcceptedVoucher[] {
  if (text === '[]') return []
  return (JSON.parse(text) as [string, Hex][]).map(([cumulative, signature]) => ({
    cumulative: BigInt(cumulative),
    signature,
  }))
}

function toBooks(row: ChannelRow): ChannelBooks {
  const vouchers = vouchersIn(row.vouchers)
  return {
    channel: channelOf(row, vouchers),
    owed: BigInt(row.owed),
    prepaid: BigInt(row.prepaid),
    vouchers,
    lastSpend: row.last_spend,
  }
}

/** The channel of a row that was read: as it is now, if it is in memory. */
export function asItIs(books: Books, row: ChannelRow): Channel {
  return books.rows.channels.get(row.id)?.channel ?? toChannel(row)
}

export function toChannel(row: ChannelRow): Channel {
  return channelOf(row, vouchersIn(row.vouchers))
}

function channelOf(row: ChannelRow, vouchers: readonly AcceptedVoucher[]): Channel {
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
    reserved: BigInt(row.reserved),
    voucher: vouchers.at(-1) ?? null,
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
