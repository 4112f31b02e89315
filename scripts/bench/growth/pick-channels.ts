import Database from 'better-sqlite3'
import type { Stand } from '../Stand.ts'
import { type Signed, type Spendable, signVouchers } from '../vouchers.ts'
import type { SeededLedger } from './Ledgers.ts'
import { isLive } from './seed.ts'

/**
 * For each connection, vouchers for so many calls on channels of its own payer, taken at random from all that are live.
 * One channel's vouchers lie as far apart as can be.
 */
export function freshVouchersOf(ledger: SeededLedger, stand: Stand, each: number): Signed[][] {
  return pickChannels(ledger, stand, each).map((channels) => {
    const vouchers = channels.map(({ channel, calls }) => signVouchers(channel, calls, stand.chain))
    const most = Math.max(...vouchers.map((of) => of.length))
    return Array.from({ length: most }, (_, turn) => vouchers.flatMap((of) => of[turn] ?? [])).flat()
  })
}

function pickChannels(
  { path, channels, live }: SeededLedger,
  { payers }: Pick<Stand, 'payers'>,
  each: number,
): { channel: Spendable; calls: number }[][] {
  const database = new Database(path, { readonly: true, fileMustExist: true })
  const find = database.prepare<[string], { accepted: string }>('SELECT accepted FROM channels WHERE id = ?')
  try {
    return payers.map(({ key }, connection) => {
      const own = channels.filter(
        ({ id }, place) => place % payers.length === connection && isLive(id, live / channels.length),
      )
      const picked = shuffle(own).slice(0, each)
      const calls = Math.ceil(each / Math.max(1, picked.length))
      return picked.map(({ id }) => {
        const cumulative = BigInt(find.get(id)?.accepted ?? 0)
        return { channel: { key, channelId: id, cumulative }, calls }
      })
    })
  } finally {
    database.close()
  }
}

function shuffle<T>(of: readonly T[]): T[] {
  return of
    .map((value) => ({ value, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ value }) => value)
}
