import { type Account, sameName } from '../../Account.ts'
import type { Asset } from '../../Asset.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'

type Balance = { account: Account; asset: Asset; posted: bigint }

const list = sql<[from: string, to: string], { name: Account; asset: Asset; posted: string }>`
  SELECT name, asset, posted FROM accounts WHERE name >= ? AND name < ? ORDER BY name, asset`
const ofChannels = sql<
  [from: string, to: string],
  { id: string; asset: Asset; owed: string; prepaid: string }
>`
  SELECT id, asset, owed, prepaid FROM channels WHERE id >= ? AND id < ? AND accepted <> '0'`

const last = '\u{10ffff}'

/** Balances of the accounts whose name begins with `prefix`, by name. */
export function listBalances(books: Books, filter: { prefix?: string } = {}): Balance[] {
  const prefix = sameName(filter.prefix ?? '')
  const own = books
    .all(list, prefix, prefix + last)
    .map(({ name, asset, posted }) => ({ account: name, asset, posted: BigInt(posted) }))
  const ofKind = (kind: 'channel:' | 'prepaid:') => balancesOfChannels(books, kind, prefix)
  return [...own, ...ofKind('channel:'), ...ofKind('prepaid:')].sort(
    (a, b) => compare(a.account, b.account) || compare(a.asset, b.asset),
  )
}

/** The accounts of one kind that channels have: they stand in the channels' rows. */
function balancesOfChannels(books: Books, kind: 'channel:' | 'prepaid:', prefix: string): Balance[] {
  const id = prefix.startsWith(kind) ? prefix.slice(kind.length) : kind.startsWith(prefix) ? '' : null
  if (id === null) return []
  return books.all(ofChannels, id, id + last).map((row) => ({
    account: `${kind}${row.id}` as Account,
    asset: row.asset,
    posted: kind === 'prepaid:' ? BigInt(row.prepaid) : -BigInt(row.owed),
  }))
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
