import type { Books } from '../Books.ts'
import { append, type Body, type Said } from './append.ts'

/**
 * Runs an operation and appends ONE event for it, in the same transaction, with every transfer it booked. An operation
 * that changed nothing (a replay, a refusal) leaves none. One that nobody describes leaves one all the same as soon as it
 * moves money.
 */
export function record<Result>(
  books: Books,
  operation: () => Result,
  describe?: (result: Result) => Said,
): Result {
  const before = books.writes
  books.posted.length = 0
  const result = operation()
  if (books.writes === before) return result
  if (describe === undefined && books.posted.length === 0) return result
  const { kind, subject, body } = describe?.(result) ?? undescribed(books)
  append(books, { kind, subject, body: { ...body, ...transfers(books) } })
  return result
}

function undescribed({ posted }: Books): Said {
  const [first] = posted
  return { kind: first?.kind ?? 'transfer', subject: first?.payment ?? first?.channel ?? '', body: {} }
}

function transfers({ posted }: Books): Body {
  return posted.length === 0 ? {} : { transfers: posted.map(transferBody) }
}

/** A transfer as the trail states it: enough to make the books again. Members in the order of RFC 8785. */
export function transferBody(transfer: Books.Posted): Body {
  const { id, kind, debit, credit, asset, amount, transaction, logIndex } = transfer
  const what = { amount, asset, credit, debit, id, kind }
  return transaction === null ? what : { ...what, log: logIndex, transaction }
}
