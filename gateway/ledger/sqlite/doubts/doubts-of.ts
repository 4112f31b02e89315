import type { Doubts } from '../../Doubts.ts'
import { LedgerUnavailableError } from '../../errors.ts'
import type { Payment } from '../../Payment.ts'
import type { Books } from '../Books.ts'
import { inPages } from '../in-pages.ts'
import { findPayment } from '../payments/find-payment.ts'
import type { Said } from '../trail/append.ts'
import * as said from '../trail/said.ts'
import { addDoubt, claimDoubt, findDoubt, forgetDoubt, forgetOldDoubts, isFree, takeDoubt } from './doubts.ts'

/**
 * The charges in doubt of one ledger. They move nothing, so the trail says only what is claimed from their credit. What is
 * found is asked again by the step that takes it, and what is not found by the claim that comes after: neither has to wait
 * for the disk.
 */
export function doubtsOf(books: Books, { write, glance }: doubtsOf.Through): Doubts {
  /**
   * Told and not written: on its way, or refused by a full disk. Whoever was left calls again at once, and must find what it
   * left by then.
   */
  const owed = new Map<string, Doubts.Told>()

  async function writeDown(told: readonly (readonly [string, Doubts.Told])[]): Promise<void> {
    try {
      await write(() => {
        for (const [id, { unlessEnded = false }] of told) {
          const payment = findPayment(books, { id })
          if (payment !== null && !(unlessEnded && hasEnded(payment))) addDoubt(books, payment)
        }
      })
    } catch (error) {
      if (error instanceof LedgerUnavailableError) throw error
      for (const [id] of told) owed.delete(id)
      throw error
    }
    for (const [id] of told) owed.delete(id)
  }

  return {
    async add(paymentId, told = {}) {
      owed.set(paymentId, told)
      await writeDown([[paymentId, told]])
    },
    async find(call) {
      if (owed.size > 0) await writeDown([...owed])
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

const hasEnded = ({ delivery }: Payment) => delivery !== 'held' && delivery !== 'delivering'

export declare namespace doubtsOf {
  type Through = {
    write: <Result>(operation: () => Result, describe?: (result: Result) => Said) => Promise<Result>
    glance: <Result>(operation: () => Result) => Promise<Result>
  }
}
