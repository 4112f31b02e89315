import type { Books } from '../Books.ts'
import type { Body } from './append.ts'

/** A transfer as the trail states it: enough to make the books again. Members in the order of RFC 8785. */
export function transferBody(transfer: Books.Posted): Body {
  const { id, kind, debit, credit, asset, amount, transaction, logIndex } = transfer
  const what = { amount, asset, credit, debit, id, kind }
  return transaction === null ? what : { ...what, log: logIndex, transaction }
}
