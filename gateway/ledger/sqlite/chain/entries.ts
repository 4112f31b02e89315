import type { Hex } from 'viem'
import type { Asset } from '../../Asset.ts'
import type { Ledger } from '../../Ledger.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'

type Booked = { payment_id: string | null; channel_id: string | null; withdrawal_id: string | null }
type Row = Booked & { asset: Asset; amount: string; kind: string; tx: Hex; log_index: number; block: number }

const byRef = sql<[chain: number, transaction: string, log: number], Booked>`
  SELECT payment_id, channel_id, withdrawal_id FROM transfers
  WHERE chain_id = ? AND tx = ? AND log_index = ? AND reversed_by IS NULL`
const ofChain = sql<[chain: number, transaction: string, log: number, limit: number], Row>`
  SELECT payment_id, channel_id, withdrawal_id, asset, amount, kind, tx, log_index, block FROM transfers
  WHERE chain_id = ? AND (tx, log_index) > (?, ?) AND tx IS NOT NULL AND reversed_by IS NULL
  ORDER BY tx, log_index LIMIT ?`

/** What a movement on chain was booked for; null when it was not booked. */
export function entryByRef(books: Books, ref: Ledger.ChainRef): Booked | null {
  return books.get(byRef, ref.chainId, ref.transaction.toLowerCase(), ref.logIndex)
}

/** Entries read at once. */
const page = 1_000

/** Booked movements that stand on a chain, by transaction and log: a page of those behind a place. */
export function chainEntries(books: Books, chainId: number, after?: Ledger.ChainPlace): Ledger.ChainEntry[] {
  const [transaction, log] = [after?.transaction.toLowerCase() ?? '', after?.logIndex ?? -1]
  return books.all(ofChain, chainId, transaction, log, page).map((row) => ({
    ref: { chainId, transaction: row.tx, logIndex: row.log_index, block: BigInt(row.block) },
    asset: row.asset,
    amount: BigInt(row.amount),
    kind: row.kind === 'settle' || row.kind === 'withdrawal' ? row.kind : 'charge',
    subject: row.payment_id ?? row.channel_id ?? row.withdrawal_id ?? '',
  }))
}
