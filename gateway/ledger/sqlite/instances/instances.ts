import { InstanceLostError } from '../../errors.ts'
import type { Instances } from '../../Instances.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'

type Row = {
  id: string
  host: string
  pid: number
  born: string | null
  started_at: number
  seen_at: number
  beats: number
}

const insert = sql<
  [id: string, host: string, pid: number, born: string | null, startedAt: number, seenAt: number]
>`
  INSERT INTO instances (id, host, pid, born, started_at, seen_at, beats) VALUES (?, ?, ?, ?, ?, ?, 0)`
const beaten = sql<[at: number, id: string]>`
  UPDATE instances SET beats = beats + 1, seen_at = ? WHERE id = ?`
const inOrder = sql<[], Row>`
  SELECT id, host, pid, born, started_at, seen_at, beats FROM instances WHERE seq > 0 ORDER BY seq`
const known = sql<[id: string], { one: number }>`SELECT 1 AS one FROM instances WHERE id = ?`
const another = sql<[id: string, at: number], { one: number }>`
  SELECT 1 AS one FROM instances WHERE seq > 0 AND id <> ? AND started_at <= ? LIMIT 1`
const remove = sql<[id: string]>`DELETE FROM instances WHERE id = ?`
const removeStill = sql<[id: string, beats: number]>`DELETE FROM instances WHERE id = ? AND beats = ?`

/** Registers an instance, behind those that are there. */
export function join(books: Books, { id, host, pid, born }: Instances.New): void {
  const now = books.clock.now()
  books.run(insert, id, host, pid, born, now, now)
}

/** One more sign of life. */
export function beat(books: Books, id: string): Instances.Standing {
  books.run(beaten, books.clock.now(), id)
  const all = books.all(inOrder)
  const leader = all[0]?.id ?? id
  return { leads: leader === id, leader, others: all.filter((row) => row.id !== id).map(toInstance) }
}

/** Removes one that stands still. */
export function take(books: Books, { id, beats }: Pick<Instances.Instance, 'id' | 'beats'>): boolean {
  return books.run(removeStill, id, beats) === 1
}

/** Is another one there that was there at that time already? */
export function hadCompany(books: Books, at: number): boolean {
  return books.get(another, books.instance ?? '', at) !== null
}

export function leave(books: Books, id: string): void {
  books.run(remove, id)
}

/** Refuses to go on for an instance that is not registered any more. */
export function guardInstance(books: Books): void {
  if (books.instance !== null && books.get(known, books.instance) === null)
    throw new InstanceLostError(books.instance)
}

function toInstance({ id, host, pid, born, started_at, seen_at, beats }: Row): Instances.Instance {
  return { id, host, pid, born, startedAt: started_at, seenAt: seen_at, beats }
}
