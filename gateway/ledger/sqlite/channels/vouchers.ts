import type { Hex } from 'viem'
import type { AcceptedVoucher, Channel } from '../../Channel.ts'
import { ChannelNotFoundError } from '../../errors.ts'
import { keepVouchers, maxVouchers } from '../../rules/keep-vouchers.ts'
import type { Books } from '../Books.ts'
import { booksOf, setBooks } from '../working-set/channels.ts'

/**
 * Characters of signatures kept for one channel, about: all of them are written with each call. An account's have 132; a contract
 * may call anything a signature, and of long ones fewer are kept.
 */
const mostText = 16_384

/** A channel's kept vouchers, rising. At most `maxVouchers`. */
export function vouchersOf(books: Books, id: Hex): readonly AcceptedVoucher[] {
  return booksOf(books, id)?.vouchers ?? []
}

/** Keeps a voucher that was accepted: it is above every other one. */
export function addVoucher(books: Books, channel: Channel, voucher: AcceptedVoucher): void {
  const kept = [...vouchersOf(books, channel.id), voucher]
  keep(books, channel.id, kept)
  const most = Math.min(maxVouchers, Math.floor(mostText / voucher.signature.length))
  if (kept.length > most) prune(books, channel, most)
}

/**
 * Keeps the voucher that a payer closes with: of those that cover what was spent it is mostly the lowest. One above all that
 * were accepted is not needed: a lower one covers what was spent. One of 0 has nothing to settle.
 */
export function keepFinalVoucher(books: Books, channel: Channel, voucher: AcceptedVoucher): void {
  const { cumulative } = voucher
  if (cumulative === 0n || cumulative > channel.accepted) return
  const known = vouchersOf(books, channel.id)
  if (known.some((kept) => kept.cumulative === cumulative)) return
  const above = known.findIndex((kept) => kept.cumulative > cumulative)
  keep(books, channel.id, known.toSpliced(above === -1 ? known.length : above, 0, voucher))
}

/** Forgets the vouchers that nothing will be settled with any more. */
export function prune(books: Books, channel: Channel, max = maxVouchers): void {
  const all = vouchersOf(books, channel.id)
  const cumulatives = all.map((voucher) => voucher.cumulative)
  // While its payer asks to close no more are accepted, and one of them may be the last one, which is not thinned out.
  const most = channel.closeRequestedAt === null ? max : cumulatives.length
  const kept = new Set(keepVouchers(cumulatives, channel.spent, most))
  if (kept.size === all.length) return
  keep(
    books,
    channel.id,
    all.filter(({ cumulative }) => kept.has(cumulative)),
  )
}

/** The highest voucher that is spent; with `final` the lowest that covers all that is spent, where there is one. */
export function settleable(books: Books, channel: Channel, final: boolean): AcceptedVoucher | null {
  const vouchers = vouchersOf(books, channel.id)
  const spent = vouchers.findLast((voucher) => voucher.cumulative <= channel.spent) ?? null
  if (!final) return spent
  return vouchers.find((voucher) => voucher.cumulative >= channel.spent) ?? spent
}

function keep(books: Books, id: Hex, vouchers: readonly AcceptedVoucher[]): void {
  const known = booksOf(books, id)
  if (known === null) throw new ChannelNotFoundError(id)
  setBooks(books, { ...known, vouchers, channel: { ...known.channel, voucher: vouchers.at(-1) ?? null } })
}
