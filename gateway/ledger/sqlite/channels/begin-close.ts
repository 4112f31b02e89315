import type { Ledger } from '../../Ledger.ts'
import type { Books } from '../Books.ts'
import { needChannel } from './find-channel.ts'
import { saveChannel } from './save-channel.ts'
import { keepFinalVoucher } from './vouchers.ts'

/**
 * Begins a close, or says why not. A call that is still running may cost more than its payer's last voucher says, so it must
 * have ended; none begins after this, because a channel that is asked to close takes no vouchers.
 */
export function beginClose(books: Books, { id, at, voucher }: Ledger.BeginClose): Ledger.BeginCloseResult {
  const channel = needChannel(books, id)
  if (channel.reserved > 0n) return { outcome: 'calls-in-flight', channel }
  if (voucher !== null && voucher.cumulative < channel.spent) return { outcome: 'below-spent', channel }
  saveChannel(books, { ...channel, closeRequestedAt: channel.closeRequestedAt ?? at })
  if (voucher !== null) keepFinalVoucher(books, channel, voucher)
  return { outcome: 'begun', channel: needChannel(books, id) }
}
