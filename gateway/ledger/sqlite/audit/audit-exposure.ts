import type { Asset } from '../../Asset.ts'
import type { Books } from '../Books.ts'
import { sumOf } from '../exposure/unsettled.ts'
import { sql } from '../sql.ts'

const counters = sql<[], { asset: Asset; unsettled: string }>`SELECT asset, unsettled FROM exposure`

/** The counter of what is unsettled in all is what its accounts sum to. */
export function auditExposure(books: Books): string[] {
  return books.all(counters).flatMap(({ asset, unsettled }) => {
    const sum = sumOf(books, asset)
    return sum === BigInt(unsettled)
      ? []
      : [`exposure of ${asset} says ${unsettled}; its accounts sum to ${sum}`]
  })
}
