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

/**
 * Keeps the voucher that a payer closes with: of those that cover what was spent it is mostly the lowest. One above all that
 * were accepted is not needed: a lower one covers what was spent. One of 0 has nothing to settle.
 */
export function keepFinalVoucher(books: Books, channel: Channel, voucher: AcceptedVoucher): void {
  const { cumulative, signature } = voucher
  if (cumulative === 0n || cumulative > channel.accepted) return
  const known = vouchersOf(books, channel.id)
  if (known.some((kept) => kept.cumulative === cumulative)) return
  books.run(insert, channel.id, String(cumulative), signature)
  const above = known.findIndex((kept) => kept.cumulative > cumulative)
  books.rows.vouchers.put(channel.id, known.toSpliced(above === -1 ? known.length : above, 0, voucher))
}

/** Forgets the vouchers that nothing will be settled with any more. */
export function prune(books: Books, channel: Channel, max = maxVouchers): void {
  const all = vouchersOf(books, channel.id)
  const cumulatives = all.map((voucher) => voucher.cumulative)
  // While its payer asks to close no more are accepted, and one of them may be the last one, which is not thinned out.
  const most = channel.closeRequestedAt === null ? max : cumulatives.length
  const keep = new Set(keepVouchers(cumulatives, channel.spent, most))
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
