import { IntentError } from '../../errors.ts'
import type { Ledger } from '../../Ledger.ts'
import type { Books } from '../Books.ts'
import { writeAttempt } from './attempts.ts'
import { needIntent } from './intents.ts'

/** Writes down another signing of an intent that has not ended: the same transaction for a higher fee. */
export function replaceIntent(books: Books, id: string, attempt: Ledger.Attempt): Ledger.Intent {
  const { state } = needIntent(books, id)
  if (state !== 'intended' && state !== 'sent')
    throw new IntentError(id, `has ${state}: it cannot be replaced`)
  writeAttempt(books, id, attempt)
  return needIntent(books, id)
}
