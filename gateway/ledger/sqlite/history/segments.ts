import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { LedgerIntegrityError } from '../../errors.ts'
import type { Books } from '../Books.ts'
import type { PaymentRow } from '../payments/PaymentRow.ts'
import { sql } from '../sql.ts'

/** A transfer as its table had it. */
export type PastTransfer = {
  id: number
  kind: string
  debit: string
  credit: string
  asset: string
  amount: string
  payment_id: string | null
  channel_id: string | null
  created_at: number
  previous: number | null
}
/** A payment as its table had it, with all that was booked for it. */
export type PastPayment = PaymentRow & { booked: PastTransfer[] }
/** What one row of the history holds. */
export type Segment = { payments: PastPayment[]; vouchers: PastTransfer[] }

const find = sql<[segment: number], { body: Uint8Array }>`SELECT body FROM history WHERE segment = ?`

/** @throws {LedgerIntegrityError} when it is not there, or cannot be read. */
export function readSegment(books: Books, segment: number): Segment {
  const row = books.load(find, segment)
  if (row === null) throw new LedgerIntegrityError(`segment ${segment} of the history is gone`)
  try {
    return unpack(row.body)
  } catch (error) {
    throw new LedgerIntegrityError(`segment ${segment} of the history cannot be read`, error)
  }
}

/** Some 150 bytes for a call where the tables take 1,300. */
export function pack(segment: Segment): Uint8Array {
  return zstdCompressSync(JSON.stringify(segment))
}

/** @throws when the bytes are not what `pack` made. */
export function unpack(body: Uint8Array): Segment {
  const segment = JSON.parse(zstdDecompressSync(body).toString()) as Segment
  if (Array.isArray(segment.payments) && Array.isArray(segment.vouchers)) return segment
  throw new TypeError('it is no segment')
}

/** Every transfer in a segment, in no order. */
export function transfersIn({ payments, vouchers }: Segment): PastTransfer[] {
  return payments.flatMap(({ booked }) => booked).concat(vouchers)
}
