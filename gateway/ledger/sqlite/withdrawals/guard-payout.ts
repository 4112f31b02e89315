import { IntentError } from '../../errors.ts'
import type { Ledger } from '../../Ledger.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'
import { findWithdrawal } from './find-withdrawal.ts'

const others = sql<[subject: string], { id: string }>`
  SELECT intents.id FROM intent_subjects JOIN intents ON intents.id = intent_subjects.intent_id
  WHERE intent_subjects.subject = ? AND intents.state IN ('intended', 'sent', 'succeeded')`

/**
 * A payout is signed money, so its intent is written only for a withdrawal that is being paid, and only when no other
 * transaction of it may be out: whoever comes second, from whichever process, sends nothing.
 */
export function guardPayout(books: Books, intent: Ledger.NewIntent): void {
  if (intent.kind !== 'withdrawal') return
  const [subject = '', ...more] = intent.subjects
  const withdrawal = more.length > 0 ? null : findWithdrawal(books, subject)
  if (withdrawal?.state !== 'paying')
    throw new IntentError(
      intent.id,
      `would pay "${subject}", which is ${withdrawal?.state ?? 'not one withdrawal'}`,
    )
  const other = books.get(others, subject)
  if (other !== null) throw new IntentError(intent.id, `would pay "${subject}" beside intent "${other.id}"`)
}
