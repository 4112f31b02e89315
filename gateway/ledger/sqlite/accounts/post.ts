import { type Account, isOfChannel } from '../../Account.ts'
import type { Asset } from '../../Asset.ts'
import type { Ledger } from '../../Ledger.ts'
import type { Books } from '../Books.ts'
import { lastSpend, spentBy } from '../channels/spending.ts'
import { expose } from '../exposure/unsettled.ts'
import { anchor } from '../reorg/anchors.ts'
import { postedOf, type TransferValues } from '../working-set/transfers.ts'
import { readAccount } from './read-account.ts'
import { writeAccount } from './write-account.ts'

/**
 * The one way in which a balance changes: appends a transfer and moves both balances by it. Nothing is booked for
 * nothing (unless it stands on chain), nor from an account to itself: then it returns null, else the transfer's id.
 */
export function post(books: Books, entry: post.Entry): number | null {
  const { debit, credit, asset, amount, ref } = entry
  if (debit === credit || (amount === 0n && ref === undefined)) return null
  const from = readAccount(books, debit, asset)
  const to = readAccount(books, credit, asset)
  writeAccount(books, debit, asset, { ...from, posted: from.posted - amount })
  writeAccount(books, credit, asset, { ...to, posted: to.posted + amount })
  if (isOfChannel(debit) !== isOfChannel(credit)) expose(books, asset, isOfChannel(debit) ? amount : -amount)
  const spent = entry.kind === 'capture' || entry.kind === 'convert' ? entry.channel : undefined
  const id = books.rows.transfers.next()
  const values: TransferValues = [
    id,
    debit,
    credit,
    asset,
    String(amount),
    entry.kind,
    entry.payment ?? null,
    entry.channel ?? null,
    entry.withdrawal ?? null,
    ref?.chainId ?? null,
    ref?.transaction.toLowerCase() ?? null,
    ref?.logIndex ?? null,
    ref === undefined ? null : Number(ref.block),
    entry.at,
    spent === undefined ? null : lastSpend(books, spent),
  ]
  books.rows.transfers.add(values)
  books.writes++
  if (spent !== undefined) spentBy(books, spent, id)
  books.posted.push(postedOf(values))
  if (ref !== undefined) anchor(books, anchored(entry), ref)
  return id
}

/** What is relied on of the chain by a movement that stands there. */
function anchored({ kind, payment, channel, withdrawal, asset, amount }: post.Entry) {
  const of = kind === 'settle' || kind === 'withdrawal' ? kind : 'charge'
  return { kind: of, subject: payment ?? channel ?? withdrawal ?? '', asset, amount } as const
}

export declare namespace post {
  /** What a transfer is. The README's table says between which accounts each one moves. */
  type Kind =
    | 'voucher'
    | 'capture'
    | 'convert'
    | 'settle'
    | 'charge'
    | 'credit'
    | 'refund'
    | 'loss'
    | 'recovery'
    | 'release'
    | 'reinstate'
    | 'write-off'
    | 'reversal'
    | 'restore'
    | 'repay'
    | 'withdrawal'
    | 'advance'
  type Entry = {
    debit: Account
    credit: Account
    asset: Asset
    amount: bigint
    kind: Kind
    payment?: string
    channel?: string
    withdrawal?: string
    ref?: Ledger.ChainRef
    at: number
  }
}
