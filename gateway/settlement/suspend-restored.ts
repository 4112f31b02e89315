import type { Hex } from 'viem'
import type { Report } from '../chain/Report.ts'
import type { Ledger } from '../ledger/Ledger.ts'
import type { ChannelBook } from './channel-book.ts'
import { findRestored, type Restored } from './restored.ts'

/**
 * Looks for a history that the books have lost, before anything of it is booked as something else; call it at start,
 * before recovery and before the first request. The channels in question are suspended: they take no vouchers, and what
 * the chain says of them is not booked, until an operator runs `./run audit --accept-restored`. Everything else is sold
 * as ever.
 */
export async function suspendRestored(
  options: findRestored.Options & {
    ledger: Pick<Ledger, 'suspendChannel' | 'note' | 'notes'>
    book: Pick<ChannelBook, 'sync'>
    report: Report
  },
): Promise<Restored> {
  const { ledger, book, report } = options
  const found = await findRestored(options)
  const channels: Hex[] = []
  for (const { id, reason } of found.channels) {
    const known = (await ledger.channel(id)) ?? (await book.sync(id))
    if (known === null || known.suspended !== null) continue
    await ledger.suspendChannel(id, reason)
    report('error', 'channel-suspended', { channel: id, reason })
    channels.push(id)
  }
  const nonce = found.nonce?.chain ?? 0
  const [noted] = await ledger.notes('restore-detected')
  const isNews = channels.length > 0 || found.charges.length > 0 || nonce > Number(noted?.body.nonce ?? 0)
  if (!isNews) return found
  await ledger.note({
    kind: 'restore-detected',
    body: { channels: channels.length, charges: found.charges.length, nonce },
  })
  report('error', 'restore-detected', {
    channels,
    charges: found.charges.map(({ ref }) => ref.transaction),
    nonce: found.nonce,
    fix: 'Find the newest backup. If there is none, see docs/audit.md, then: ./run audit --accept-restored',
  })
  return found
}
