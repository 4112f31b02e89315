import type { Reorg } from '../../Reorg.ts'
import type { Books } from '../Books.ts'
import { readBlocks, stepBack } from '../chain/cursor.ts'
import { seen, watchedAnchors } from './anchors.ts'
import { collect, debts } from './debt.ts'
import { depositNow } from './deposit.ts'
import { reversed } from './reverse.ts'
import { reopened, resettled } from './take-back.ts'

/** What one ledger relies on of the chain, on its one connection. */
export function reorgOf(books: Books, { write, read }: reorgOf.Through): Reorg {
  return {
    anchors: (chainId, limit) => read(() => watchedAnchors(books, chainId, limit)),
    seen: (changes) => write(() => seen(books, changes)),
    reversed: (request) =>
      write(
        () => reversed(books, request),
        () => ({ kind: 'reversed', subject: '', body: { anchor: request.anchor, reason: request.reason } }),
      ),
    resettled: (request) =>
      write(
        () => resettled(books, request),
        ({ id, settled, spent }) => ({
          kind: 'resettled',
          subject: id,
          body: { settled: String(settled), spent: String(spent), reason: request.reason },
        }),
      ),
    reopened: (request) =>
      write(
        () => reopened(books, request),
        (channel) => ({ kind: 'reopened', subject: channel?.id ?? '', body: { reason: request.reason } }),
      ),
    depositNow: (request) =>
      write(
        () => depositNow(books, request),
        ({ id, deposit, depositMissing, inDebt }) => ({
          kind: 'deposit-now',
          subject: id,
          body: { deposit: String(deposit), missing: String(depositMissing), inDebt: String(inDebt) },
        }),
      ),
    readAgain: (chainId, from) => write(() => stepBack(books, chainId, from)),
    readBlocks: (chainId) => read(() => readBlocks(books, chainId)),
    debts: (wallet) => read(() => debts(books, wallet)),
    collect: (wallet, asset) => write(() => collect(books, wallet, asset)),
  }
}

export declare namespace reorgOf {
  type Said = { kind: string; subject: string; body: Record<string, string | number> }
  type Through = {
    write: <Result>(operation: () => Result, describe?: (result: Result) => Said) => Promise<Result>
    read: <Result>(operation: () => Result) => Promise<Result>
  }
}
