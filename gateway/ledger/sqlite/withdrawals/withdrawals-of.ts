import type { Resolution, Withdrawal, Withdrawals } from '../../Withdrawal.ts'
import type { Books } from '../Books.ts'
import { plain } from '../trail/append.ts'
import { findWithdrawal, listWithdrawals, openWithdrawals } from './find-withdrawal.ts'
import { approve, fail, paid, pay, reject, unknown, wait } from './move-withdrawal.ts'
import { requestWithdrawal } from './request-withdrawal.ts'
import { moved, resolve, returned } from './take-back-withdrawal.ts'

/** The withdrawals of one ledger, on its one connection: they share its commits and its snapshots. */
export function withdrawalsOf(books: Books, { write, read }: withdrawalsOf.Through): Withdrawals {
  return {
    request: (request) =>
      write(
        () => requestWithdrawal(books, request),
        (result) => said(result.outcome === 'fresh' ? result.withdrawal : null, 'requested'),
      ),
    withdrawal: (id) => read(() => findWithdrawal(books, id)),
    list: (filter) => read(() => listWithdrawals(books, filter)),
    open: (limit) => read(() => openWithdrawals(books, limit)),
    approve: (id, now) =>
      write(
        () => approve(books, id, now),
        (moved) => said(moved, 'approved'),
      ),
    reject: (id, reason) =>
      write(
        () => reject(books, id, reason),
        (moved) => said(moved, 'rejected'),
      ),
    pay: (id) =>
      write(
        () => pay(books, id),
        (result) => said(result.outcome === 'paying' ? result.withdrawal : null, 'paying'),
      ),
    wait: (id, reason) =>
      write(
        () => wait(books, id, reason),
        (moved) => said(moved, 'waits'),
      ),
    unknown: (id, reason) =>
      write(
        () => unknown(books, id, reason),
        (moved) => said(moved, 'unknown'),
      ),
    paid: (id, ref) =>
      write(
        () => paid(books, id, ref),
        (moved) => said(moved, 'paid'),
      ),
    fail: (id, reason) =>
      write(
        () => fail(books, id, reason),
        (moved) => said(moved, 'failed'),
      ),
    returned: (id, payout) =>
      write(
        () => returned(books, id, payout),
        (moved) => said(moved, 'returned'),
      ),
    moved: (id, ref, instead) =>
      write(
        () => moved(books, id, ref, instead),
        (moved) => said(moved, 'moved'),
      ),
    resolve: (id, resolution) =>
      write(
        () => resolve(books, id, resolution),
        (moved) => resolved(moved, resolution),
      ),
  }
}

/** What the trail says of a step. Nothing that changed nothing is said at all. */
function said(withdrawal: Withdrawal | null, step: string): withdrawalsOf.Said {
  if (withdrawal === null) return { kind: 'withdrawal', subject: '', body: { step } }
  const { id, wallet, asset, amount, to, state, reason } = withdrawal
  return {
    kind: 'withdrawal',
    subject: id,
    body: { step, wallet, asset, amount: String(amount), to, state, reason: reason?.slice(0, 300) ?? null },
  }
}

/** A person decided: with the notes of operators, and with the transfers that it booked. */
function resolved(withdrawal: Withdrawal, { paid, left, ref, note }: Resolution): withdrawalsOf.Said {
  const { body } = said(withdrawal, 'resolved')
  return {
    kind: 'admin:withdrawal-resolved',
    subject: withdrawal.id,
    body: {
      ...body,
      paid: String(paid),
      left: String(left),
      transaction: ref.transaction,
      note: plain(note),
    },
  }
}

export declare namespace withdrawalsOf {
  type Said = { kind: string; subject: string; body: { [name: string]: string | null } }
  type Through = {
    write: <Result>(operation: () => Result, describe?: (result: Result) => Said) => Promise<Result>
    read: <Result>(operation: () => Result) => Promise<Result>
  }
}
