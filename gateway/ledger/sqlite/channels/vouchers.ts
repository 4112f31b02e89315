import type { Hex } from 'viem'
import type { AcceptedVoucher, Channel } from '../../Channel.ts'
import { keepVouchers, maxVouchers } from '../../rules/keep-vouchers.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'

type Row = { cumulative: string; signature: Hex }

const list = sql<[channel: string], Row>`
  SELECT cumulative, signature FROM vouchers WHERE channel_id = ? ORDER BY length(cumulative), cumulative`
const count = sql<[channel: string], { count: number }>`
  SELECT count(*) AS count FROM vouchers WHERE channel_id = ?`
const insert = sql<[channel: string, cumulative: string, signature: string]>`
  INSERT INTO vouchers (channel_id, cumulative, signature) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`
const remove = sql<[channel: string, cumulative: string]>`
  DELETE FROM vouchers WHERE channel_id = ? AND cumulative = ?`

/** A channel's kept vouchers, rising. At most `maxVouchers`. */
export function vouchersOf(books: Books, channel: Hex): AcceptedVoucher[] {
  return books
    .all(list, channel.toLowerCase())
    .map((row) => ({ cumulative: BigInt(row.cumulative), signature: row.signature }))
}

/** Keeps a voucher that was accepted. */
export function addVoucher(books: Books, channel: Channel, voucher: AcceptedVoucher): void {
  books.run(insert, channel.id, String(voucher.cumulative), voucher.signature)
  const kept = books.get(count, channel.id)?.count ?? 0
  if (kept > maxVouchers) prune(books, channel)
}

/** Forgets the vouchers that nothing will be settled with any more. */
export function prune(books: Books, channel: Channel, max = maxVouchers): void {
  const all = vouchersOf(books, channel.id).map((voucher) => voucher.cumulative)
  const kept = new Set(keepVouchers(all, channel.spent, max))
  for (const cumulative of all) if (!kept.has(cumulative)) books.run(remove, channel.id, String(cumulative))
}

/** The highest voucher that is spent; with `final` the lowest that covers all that is spent, where there is one. */
export function settleable(books: Books, channel: Channel, final: boolean): AcceptedVoucher | null {
  const vouchers = vouchersOf(books, channel.id)
  const spent = vouchers.findLast((voucher) => voucher.cumulative <= channel.spent) ?? null
  if (!final) return spent
  return vouchers.find((voucher) => voucher.cumulative >= channel.spent) ?? spent
}
