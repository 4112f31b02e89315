import type { Address, Hex } from 'viem'
import { CloseNotAskedError, IntentUnderWayError, NonceTakenError, PaymentStateError } from '../../errors.ts'
import type { Ledger } from '../../Ledger.ts'
import type { Books } from '../Books.ts'
import { findChannel } from '../channels/find-channel.ts'
import { findPayment } from '../payments/find-payment.ts'
import { sql } from '../sql.ts'
import { guardPayout } from '../withdrawals/guard-payout.ts'

const withNonce = sql<[chain: number, sender: string, nonce: number], { id: string }>`
  SELECT id FROM intents WHERE chain_id = ? AND sender = lower(?) AND nonce = ? AND state <> 'dropped'`
const liveAbout = sql<[subject: string], { id: string; kind: Ledger.IntentKind }>`
  SELECT intents.id, intents.kind FROM intent_subjects JOIN intents ON intents.id = intent_subjects.intent_id
  WHERE intent_subjects.subject = ? AND intents.state IN ('intended', 'sent')`

/**
 * What is about to be signed money is written down once, whichever process writes it:
 *
 * | Kind | Refused while another that has not ended |
 * |---|---|
 * | every kind | has its nonce, of the same key; mined ones count too |
 * | `settle`, `close` | settles or closes one of its channels |
 * | `charge` | settles the same payment |
 * | `open` | opens the same channel |
 * | `top-up` | brings the same signed deposit (its second subject) |
 * | `withdrawal` | pays the same withdrawal; mined ones count too |
 *
 * A channel is closed only while the books say that it is asked to close, so that no call is taken beside it; and the
 * transfer of a payment that was given up is not sent.
 * @throws {NonceTakenError | IntentUnderWayError | CloseNotAskedError | PaymentStateError | IntentError}
 */
export function guardIntent(books: Books, intent: Ledger.NewIntent): void {
  const { id, chainId, from, nonce, kind, subjects } = intent
  guardPayout(books, intent)
  for (const [subject, kinds] of exclusive(kind, subjects)) {
    const other = books.all(liveAbout, subject).find((live) => kinds.includes(live.kind))
    if (other !== undefined) throw new IntentUnderWayError(id, subject, other.id)
  }
  if (kind === 'close')
    for (const subject of subjects)
      if (findChannel(books, subject as Hex)?.closeRequestedAt === null)
        throw new CloseNotAskedError(id, subject)
  const [payment] = kind === 'charge' ? subjects : []
  if (payment !== undefined) guardCharge(books, payment)
  guardNonce(books, id, chainId, from, nonce)
}

function guardCharge(books: Books, id: string): void {
  const payment = findPayment(books, { id })
  if (payment?.money === 'void') throw new PaymentStateError('intend', payment)
}

function guardNonce(books: Books, id: string, chainId: number, from: Address, nonce: number): void {
  const other = books.get(withNonce, chainId, from, nonce)
  if (other !== null) throw new NonceTakenError(id, nonce, other.id)
}

/** Which kinds must not be under way about which subjects. */
function exclusive(
  kind: Ledger.IntentKind,
  subjects: readonly string[],
): [subject: string, kinds: readonly Ledger.IntentKind[]][] {
  const [first = '', second] = subjects
  switch (kind) {
    case 'settle':
    case 'close':
      return subjects.map((subject) => [subject, ['settle', 'close']])
    case 'charge':
    case 'open':
      return [[first, [kind]]]
    case 'top-up':
      return second === undefined ? [] : [[second, [kind]]]
    case 'withdrawal':
    case 'repair':
      return []
  }
}
