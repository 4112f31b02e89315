import type { AcceptedVoucher } from '../../Channel.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'
import { vouchersIn } from '../working-set/channels.ts'
import type { TransferAudit } from './transfers-in-order.ts'

type Row = {
  id: string
  settled: string
  spent: string
  accepted: string
  deposit: string
  owed: string
  prepaid: string
  reserved: string
  in_debt: string
  finalized: number
  vouchers: string
  last_spend: number | null
}
type Sums = { accepted: bigint; spent: bigint; settled: bigint; lastSpend: number | null }

const nothing: Sums = { accepted: 0n, spent: 0n, settled: 0n, lastSpend: null }

const channels = sql<[], Row>`
  SELECT id, settled, spent, accepted, deposit, owed, prepaid, reserved, in_debt, finalized, vouchers, last_spend FROM channels`
/** Transfers that raise a counter of their channel, and which. */
const counters: ReadonlyMap<string, 'accepted' | 'spent' | 'settled'> = new Map([
  ['voucher', 'accepted'],
  ['capture', 'spent'],
  ['convert', 'spent'],
  ['settle', 'settled'],
])

/** Law 3: the counters are in order, and each is what its transfers sum to. */
export function auditChannels(books: Books): TransferAudit {
  const violations: string[] = []
  const booked = new Map<string, Sums>()
  return {
    take({ id, channel_id, kind, amount, previous, reversed_by }) {
      const counter = counters.get(kind)
      if (channel_id === null || counter === undefined || reversed_by !== null) return
      const sums = booked.get(channel_id) ?? nothing
      const next = { ...sums, [counter]: sums[counter] + BigInt(amount) }
      if (counter === 'spent' && previous !== sums.lastSpend)
        violations.push(
          `transfer ${id} follows ${previous}; before it channel ${channel_id} spent by ${sums.lastSpend}`,
        )
      booked.set(channel_id, counter === 'spent' ? { ...next, lastSpend: id } : next)
    },
    violations() {
      for (const row of books.each(channels)) {
        violations.push(...countersOf(row, booked.get(row.id) ?? nothing))
        violations.push(...accountsOf(row))
        violations.push(...vouchersOf(row))
      }
      return violations
    },
  }
}

function countersOf(row: Row, sums: Sums): string[] {
  const violations: string[] = []
  const said = { accepted: BigInt(row.accepted), spent: BigInt(row.spent), settled: BigInt(row.settled) }
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
  if (row.last_spend !== sums.lastSpend)
    violations.push(
      `channel ${row.id} says it last spent by transfer ${row.last_spend}; that is ${sums.lastSpend}`,
    )
  return violations
}

/** A channel's two accounts hold what its counters leave open; once it is finalized, only what calls in flight hold. */
function accountsOf(row: Row): string[] {
  const [prepaid, owed, held] = [BigInt(row.prepaid), BigInt(row.owed), BigInt(row.reserved)]
  const finalized = row.finalized === 1
  const unspent = finalized ? held : BigInt(row.accepted) - BigInt(row.spent)
  const unsettled = finalized ? held : BigInt(row.accepted) - BigInt(row.settled) - BigInt(row.in_debt)
  if (prepaid === unspent && owed === unsettled) return []
  return [`channel ${row.id}: prepaid ${prepaid}, not ${unspent}; owed ${owed}, not ${unsettled}`]
}

/** What is kept of vouchers can be read, rises, and ends where the channel has accepted. */
function vouchersOf(row: Row): string[] {
  const vouchers = readVouchers(row.vouchers)
  if (vouchers === null) return [`channel ${row.id} keeps vouchers that cannot be read`]
  let last = 0n
  for (const { cumulative } of vouchers) {
    if (cumulative <= last) return [`channel ${row.id} keeps voucher ${cumulative} after ${last}`]
    last = cumulative
  }
  return last > BigInt(row.accepted)
    ? [`channel ${row.id} keeps voucher ${last} above accepted ${row.accepted}`]
    : []
}

function readVouchers(text: string): AcceptedVoucher[] | null {
  try {
    return vouchersIn(text)
  } catch {
    return null
  }
}
