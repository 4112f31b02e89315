import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'

type Row = {
  id: string
  settled: string
  spent: string
  accepted: string
  deposit: string
  in_debt: string
  finalized: number
  owed: string | null
  held: string | null
  prepaid: string | null
}
type Sums = { accepted: bigint; spent: bigint; settled: bigint }

const channels = sql<[], Row>`
  SELECT id, settled, spent, accepted, deposit, in_debt, finalized, own.posted AS owed, service.posted AS prepaid,
    service.pending AS held
  FROM channels
  LEFT JOIN accounts AS own ON own.name = 'channel:' || id AND own.asset = channels.asset
  LEFT JOIN accounts AS service ON service.name = 'prepaid:' || id AND service.asset = channels.asset`
const transfers = sql<[], { channel_id: string; kind: string; amount: string }>`
  SELECT channel_id, kind, amount FROM transfers
  WHERE channel_id IS NOT NULL AND kind IN ('voucher', 'capture', 'convert', 'settle') AND reversed_by IS NULL`
const vouchers = sql<[], { channel_id: string; cumulative: string; accepted: string }>`
  SELECT channel_id, cumulative, accepted FROM vouchers JOIN channels ON channels.id = vouchers.channel_id
  WHERE (length(cumulative), cumulative) > (length(accepted), accepted)`

/** A channel's two accounts hold what its counters leave open; once it is finalized, only what calls in flight hold. */
function accountsOf(row: Row): string[] {
  const [prepaid, owed, held] = [BigInt(row.prepaid ?? 0), -BigInt(row.owed ?? 0), BigInt(row.held ?? 0)]
  const finalized = row.finalized === 1
  const unspent = finalized ? held : BigInt(row.accepted) - BigInt(row.spent)
  const unsettled = finalized ? held : BigInt(row.accepted) - BigInt(row.settled) - BigInt(row.in_debt)
  if (prepaid === unspent && owed === unsettled) return []
  return [`channel ${row.id}: prepaid ${prepaid}, not ${unspent}; owed ${owed}, not ${unsettled}`]
}

/** Law 3: the counters are in order, and each is what its transfers sum to. */
export function auditChannels(books: Books): string[] {
  const violations: string[] = []
  const booked = new Map<string, Sums>()
  for (const { channel_id, kind, amount } of books.each(transfers)) {
    const sums = booked.get(channel_id) ?? { accepted: 0n, spent: 0n, settled: 0n }
    const counter = kind === 'voucher' ? 'accepted' : kind === 'settle' ? 'settled' : 'spent'
    booked.set(channel_id, { ...sums, [counter]: sums[counter] + BigInt(amount) })
  }
  for (const row of books.each(channels)) {
    const said = { accepted: BigInt(row.accepted), spent: BigInt(row.spent), settled: BigInt(row.settled) }
    const sums = booked.get(row.id) ?? { accepted: 0n, spent: 0n, settled: 0n }
    const { settled, spent, accepted } = said
    if (settled > spent || spent > accepted || accepted > BigInt(row.deposit))
      violations.push(
        `channel ${row.id}: settled ${settled}, spent ${spent}, accepted ${accepted}, deposit ${row.deposit}`,
      )
    for (const counter of ['accepted', 'spent', 'settled'] as const)
      if (said[counter] !== sums[counter])
        violations.push(
          `channel ${row.id} says ${counter} ${said[counter]}; its transfers sum to ${sums[counter]}`,
        )
  }
  for (const row of books.each(channels)) violations.push(...accountsOf(row))
  for (const row of books.each(vouchers))
    violations.push(
      `channel ${row.channel_id} keeps voucher ${row.cumulative} above accepted ${row.accepted}`,
    )
  return violations
}
