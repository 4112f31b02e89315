import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { LedgerIntegrityError } from '../../errors.ts'
import type { Books } from '../Books.ts'
import type { PaymentRow } from '../payments/PaymentRow.ts'
import { sql } from '../sql.ts'
import type { Event } from '../trail/Event.ts'

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
/** What one row of the history holds: calls, or events of the trail. */
export type Segment = { payments: PastPayment[]; vouchers: PastTransfer[]; events: Event[] }

const find = sql<[segment: number], { body: Uint8Array }>`SELECT body FROM history WHERE segment = ?`

/** @throws {LedgerIntegrityError} when it is not there, or cannot be read. */
export function readSegment(books: Books, segment: number): Segment {
  const name = String(segment)
  return books.rows.segments.get(name) ?? books.rows.segments.keep(name, read(books, segment))
}

function read(books: Books, segment: number): Segment {
  const row = books.load(find, segment)
  if (row === null) throw new LedgerIntegrityError(`segment ${segment} of the history is gone`)
  try {
    return unpack(row.body)
  } catch (error) {
    throw new LedgerIntegrityError(`segment ${segment} of the history cannot be read`, error)
  }
}

/** A call takes some 400 bytes where the tables and the trail take 2,400. */
export function pack(segment: Segment): Uint8Array {
  return zstdCompressSync(JSON.stringify(segment))
}

/** @throws when the bytes are not what `pack` made. */
export function unpack(body: Uint8Array): Segment {
  const segment = JSON.parse(zstdDecompressSync(body).toString()) as Segment
  const { payments, vouchers, events } = segment
  if ([payments, vouchers, events].every(Array.isArray)) return segment
  throw new TypeError('it is no segment')
}

/** Every transfer in a segment, in no order. */
export function transfersIn({ payments, vouchers }: Segment): PastTransfer[] {
  return payments.flatMap(({ booked }) => booked).concat(vouchers)
}
