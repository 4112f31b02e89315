import type { Relays } from '../../Relays.ts'
import type { Books } from '../Books.ts'
import { giveBackRelay, takeRelay } from './relays.ts'

/** The gas budget's counts of one ledger, on its one connection. */
export function relaysOf(books: Books, { write }: relaysOf.Through): Relays {
  return {
    take: (request) => write(() => takeRelay(books, request)),
    giveBack: (id) => write(() => giveBackRelay(books, id)),
  }
}

export declare namespace relaysOf {
  type Through = { write: <Result>(operation: () => Result) => Promise<Result> }
}
