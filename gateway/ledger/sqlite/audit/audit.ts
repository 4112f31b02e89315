import type { Ledger } from '../../Ledger.ts'
import type { Trail } from '../../Trail.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'
import { auditChain } from './audit-chain.ts'
import { auditChannels } from './audit-channels.ts'
import { auditExposure } from './audit-exposure.ts'
import { auditHolds } from './audit-holds.ts'
import { auditPayments } from './audit-payments.ts'
import { auditSums } from './audit-sums.ts'
import { auditTrail } from './audit-trail.ts'
import { type BookedTransfer, transfersInOrder } from './transfers-in-order.ts'

const count = sql<[], { payments: number; channels: number; transfers: number; waiting: number }>`
  SELECT (SELECT count(*) FROM payments) + coalesce(sum(payment_count), 0) AS payments,
    (SELECT count(*) FROM channels) AS channels,
    (SELECT count(*) FROM transfers) + coalesce(sum(transfer_count), 0) AS transfers,
    (SELECT count(*) FROM journal) AS waiting
  FROM history`

/**
 * Checks the laws from the transfers up, and the trail, on one snapshot. It reads everything once, and what is proved from transfers is
 * proved on the way: on a busy gateway, run it in a process of its own (`farthing audit`), where it delays nobody.
 */
export function audit(books: Books, options: { anchor?: Trail.Anchor } = {}): Ledger.Audit {
  const [sums, channels, payments] = [auditSums(books), auditChannels(books), auditPayments(books)]
  function* booked(): Generator<BookedTransfer, void> {
    for (const transfer of transfersInOrder(books, payments.take)) {
      sums.take(transfer)
      channels.take(transfer)
      yield transfer
    }
  }
  const transfers = booked()
  const trail = auditTrail(books, transfers, options.anchor)
  // One whose number is none ends the trail's comparison, and must not end the proof of the laws.
  for (const _ of transfers);
  const laws: Ledger.Law[] = [
    law(1, 'Every asset sums to zero over all accounts', sums.violations()),
    law(2, 'No wallet, prepaid, revenue or hold account goes below zero', [
      ...auditHolds(books),
      ...auditExposure(books),
    ]),
    law(3, 'settled ≤ spent ≤ accepted ≤ deposit for every channel', channels.violations()),
    law(4, 'Every on-chain transfer is booked once', auditChain(books)),
    law(5, 'A payment key has at most one delivered call', payments.violations()),
  ]
  const counted = books.get(count) ?? { payments: 0, channels: 0, transfers: 0, waiting: 0 }
  return { balanced: laws.every(({ holds }) => holds), laws, trail, ...counted }
}

function law(number: Ledger.Law['law'], title: string, violations: string[]): Ledger.Law {
  return { law: number, title, holds: violations.length === 0, violations }
}
