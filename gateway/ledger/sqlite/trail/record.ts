import type { Books } from '../Books.ts'
import type { Said } from './append.ts'

/**
 * Runs an operation and says in the trail what it did, with every transfer it booked, in the same transaction. An operation
 * that changed nothing (a replay, a refusal) says nothing. One that nobody describes is said all the same as soon as it
 * moves money.
 */
export function record<Result>(
  books: Books,
  operation: () => Result,
  describe?: (result: Result) => Said,
): Result {
  const before = books.writes
  books.posted = []
  const result = operation()
  if (books.writes === before) return result
  if (describe === undefined && books.posted.length === 0) return result
  books.rows.trail.add(describe?.(result) ?? undescribed(books), books.posted)
  return result
}

function undescribed({ posted }: Books): Said {
  const [first] = posted
  return { kind: first?.kind ?? 'transfer', subject: first?.payment ?? first?.channel ?? '', body: {} }
}
