import type { Hex } from 'viem'
import type { AcceptedVoucher, Channel } from '../../Channel.ts'
import { keepVouchers, maxVouchers } from '../../rules/keep-vouchers.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'

type Row = { cumulative: string; signature: Hex }

const list = sql<[channel: string], Row>`
  SELECT cumulative, signature FROM vouchers WHERE channel_id = ? ORDER BY length(cumulative), cumulative`
const insert = sql<[channel: string, cumulative: string, signature: string]>`
  INSERT INTO vouchers (channel_id, cumulative, signature) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`
const remove = sql<[channel: string, cumulative: string]>`
  DELETE FROM vouchers WHERE channel_id = ? AND cumulative = ?`

/** A channel's kept vouchers, rising. At most `maxVouchers`. */
export function vouchersOf(books: Books, name: Hex): readonly AcceptedVoucher[] {
  const channel = name.toLowerCase()
  const known = books.rows.vouchers.get(channel)
  if (known !== undefined) return known
  const kept = books
    .all(list, channel)
    .map((row) => ({ cumulative: BigInt(row.cumulative), signature: row.signature }))
  return books.rows.vouchers.keep(channel, kept)
}

/** Keeps a voucher that was accepted: it is above every other one. */
export function addVoucher(books: Books, channel: Channel, voucher: AcceptedVoucher): void {
  const kept = [...vouchersOf(books, channel.id), voucher]
  books.run(insert, channel.id, String(voucher.cumulative), voucher.signature)
  books.rows.vouchers.put(channel.id, kept)
  if (kept.length > maxVouchers) prune(books, channel)
}

/** Forgets the vouchers that nothing will be settled with any more. */
export function prune(books: Books, channel: Channel, max = maxVouchers): void {
  const all = vouchersOf(books, channel.id)
  const cumulatives = all.map((voucher) => voucher.cumulative)
  const keep = new Set(keepVouchers(cumulatives, channel.spent, max))
  if (keep.size === all.length) return
  for (const cumulative of cumulatives)
    if (!keep.has(cumulative)) books.run(remove, channel.id, String(cumulative))
  const kept = all.filter(({ cumulative }) => keep.has(cumulative))
  books.rows.vouchers.put(channel.id, kept)
}

/** The highest voucher that is spent; with `final` the lowest that covers all that is spent, where there is one. */
export function settleable(books: Books, channel: Channel, final: boolean): AcceptedVoucher | null {
  const vouchers = vouchersOf(books, channel.id)
  const spent = vouchers.findLast((voucher) => voucher.cumulative <= channel.spent) ?? null
  if (!final) return spent
  return vouchers.find((voucher) => voucher.cumulative >= channel.spent) ?? spent
}
