import type { Relays } from '../../Relays.ts'
import { judgeRelay } from '../../rules/judge-relay.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'

type Full = { at: number }

const byPayer = sql<[payer: string, since: number, limit: number], Full>`
  SELECT at FROM relays WHERE payer = ? AND at > ? ORDER BY at DESC LIMIT 1 OFFSET ?`
const byNewcomers = sql<[since: number, limit: number], Full>`
  SELECT at FROM relays WHERE newcomer = 1 AND at > ? ORDER BY at DESC LIMIT 1 OFFSET ?`
const byTime = sql<[since: number, limit: number], Full>`
  SELECT at FROM relays WHERE at > ? ORDER BY at DESC LIMIT 1 OFFSET ?`
const bought = sql<[payer: string], { one: number }>`
  SELECT 1 AS one FROM channels WHERE payer = ? AND spent <> '0' LIMIT 1`
const insert = sql<[payer: string, newcomer: number, at: number]>`
  INSERT INTO relays (payer, newcomer, at) VALUES (?, ?, ?)`
const remove = sql<[id: number]>`DELETE FROM relays WHERE id = ?`
const forget = sql<[since: number, limit: number]>`
  DELETE FROM relays WHERE id IN (SELECT id FROM relays WHERE at <= ? ORDER BY at LIMIT ?)`

/** How many that no longer count are forgotten with each that is counted: the table never outgrows its budget. */
const sweep = 16

/** Counts one more relayed deposit, or says what is full. */
export function takeRelay(books: Books, { limits, since, now, ...request }: Relays.Request): Relays.Result {
  const payer = request.payer.toLowerCase()
  const newcomer = books.get(bought, payer) === null
  const at = (full: Full | null) => full?.at ?? null
  const full = judgeRelay({
    payer: limits.payer === 0 ? now : at(books.get(byPayer, payer, since, limits.payer - 1)),
    newcomers: !newcomer
      ? null
      : limits.newcomers === 0
        ? now
        : at(books.get(byNewcomers, since, limits.newcomers - 1)),
    total: limits.total === 0 ? now : at(books.get(byTime, since, limits.total - 1)),
  })
  if (full !== null) return { outcome: 'spent', ...full }
  books.run(forget, since, sweep)
  return { outcome: 'granted', id: books.insert(insert, payer, newcomer ? 1 : 0, now) }
}

/** It was never sent. */
export function giveBackRelay(books: Books, id: number): void {
  books.run(remove, id)
}
