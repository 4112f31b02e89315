import * as Amount from '../../Amount.ts'
import type { Channel } from '../../Channel.ts'
import type { Ledger } from '../../Ledger.ts'
import { judgeVoucher } from '../../rules/judge-voucher.ts'
import type { Books } from '../Books.ts'
import { bookVoucher } from './book-voucher.ts'
import { findChannel } from './find-channel.ts'

/** Accepts a voucher, or says why not. One that is not above what was accepted changes nothing. */
export function acceptVoucher(books: Books, request: Ledger.VoucherRequest): Ledger.VoucherResult {
  Amount.check(request.cumulative)
  const channel = findChannel(books, request.channelId)
  const verdict = judgeVoucher(channel, request)
  if (channel === null || verdict === 'channel-not-found') return { outcome: 'channel-not-found' }
  if (verdict === 'replay') return { outcome: 'replayed', channel }
  if (verdict === 'accept') return { outcome: 'accepted', channel: accept(books, channel, request) }
  return { outcome: verdict, channel }
}

function accept(books: Books, channel: Channel, request: Ledger.VoucherRequest): Channel {
  return bookVoucher(books, channel, request, request.now)
}
