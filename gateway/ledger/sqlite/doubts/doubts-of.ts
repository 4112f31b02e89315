import type { Doubts } from '../../Doubts.ts'
import type { Books } from '../Books.ts'
import { inPages } from '../in-pages.ts'
import { needPayment } from '../payments/find-payment.ts'
import type { Said } from '../trail/append.ts'
import * as said from '../trail/said.ts'
import { addDoubt, claimDoubt, findDoubt, forgetDoubt, forgetOldDoubts, isFree, takeDoubt } from './doubts.ts'

/**
 * The charges in doubt of one ledger. They move nothing, so the trail says only what is claimed from their credit. What is
 * found is asked again by the step that takes it, and what is not found by the claim that comes after: neither has to wait
 * for the disk.
 */
export function doubtsOf(books: Books, { write, glance }: doubtsOf.Through): Doubts {
  /** Being written. Whoever hangs up calls again at once: what it left must be found by then. */
  const adding = new Set<Promise<void>>()
  return {
    async add(paymentId) {
      const added = write(() => addDoubt(books, needPayment(books, paymentId)))
      adding.add(added)
      await added.finally(() => adding.delete(added))
    },
    async find(call) {
      if (adding.size > 0) await Promise.allSettled(adding)
      return glance(() => findDoubt(books, call))
    },
    take: (paymentId, key) => write(() => takeDoubt(books, paymentId, key)),
    claim: (paymentId, request) => write(() => claimDoubt(books, paymentId, request), said.claimed),
    async forget(paymentId) {
      if (await glance(() => isFree(books, paymentId))) await write(() => forgetDoubt(books, paymentId))
    },
    forgetOld: (before) => inPages((limit) => write(() => forgetOldDoubts(books, before, limit))),
  }
}

export declare namespace doubtsOf {
  type Through = {
    write: <Result>(operation: () => Result, describe?: (result: Result) => Said) => Promise<Result>
    glance: <Result>(operation: () => Result) => Promise<Result>
  }
}
