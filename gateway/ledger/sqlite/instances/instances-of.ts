import { InstanceLostError } from '../../errors.ts'
import type { Instances } from '../../Instances.ts'
import type { Books } from '../Books.ts'
import { beat, hadCompany, join, leave, take } from './instances.ts'

/** The instances of one ledger, and which of them this connection is. */
export function instancesOf(books: Books, { write, read }: instancesOf.Through): Instances {
  return {
    async join(instance) {
      await write(() => join(books, instance))
      books.instance = instance.id
    },
    beat: () =>
      write(() => {
        if (books.instance === null) throw new InstanceLostError('(not registered)')
        return beat(books, books.instance)
      }),
    take: (dead) => write(() => take(books, dead)),
    hadCompany: (at) => read(() => hadCompany(books, at)),
    async leave() {
      const { instance } = books
      if (instance === null) return
      await write(() => leave(books, instance)).catch((error: unknown) => {
        if (!(error instanceof InstanceLostError)) throw error
      })
    },
  }
}

export declare namespace instancesOf {
  type Run = <Result>(operation: () => Result) => Promise<Result>
  type Through = { write: Run; read: Run }
}
