import type { Address, Hex } from 'viem'
import { IntentError } from '../../errors.ts'
import type { Ledger } from '../../Ledger.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'
import { showAttempt, writeAttempt } from './attempts.ts'
import { guardIntent } from './guard-intent.ts'

export type Row = {
  id: string
  chain_id: number
  kind: Ledger.IntentKind
  sender: Address
  nonce: number
  raw: Hex
  hash: Hex
  state: Ledger.Intent['state']
  reason: string | null
  created_at: number
  updated_at: number
}

const insert = sql<
  [
    id: string,
    chain: number,
    kind: string,
    sender: string,
    nonce: number,
    raw: string,
    hash: string,
    createdAt: number,
    updatedAt: number,
  ]
>`
  INSERT INTO intents (id, chain_id, kind, sender, nonce, raw, hash, state, created_at, updated_at)
  VALUES (?, ?, ?, lower(?), ?, ?, lower(?), 'intended', ?, ?)`
const insertSubject = sql<[intent: string, position: number, subject: string]>`
  INSERT INTO intent_subjects (intent_id, position, subject) VALUES (?, ?, ?)`
const update = sql<[state: string, reason: string | null, at: number, id: string]>`
  UPDATE intents SET state = ?, reason = coalesce(?, reason), updated_at = ? WHERE id = ?`
const find = sql<[id: string], Row>`SELECT * FROM intents WHERE id = ?`
const open = sql<[], Row>`
  SELECT * FROM intents WHERE state IN ('intended', 'sent') ORDER BY created_at, id`
const about = sql<[subject: string], Row>`
  SELECT intents.* FROM intent_subjects JOIN intents ON intents.id = intent_subjects.intent_id
  WHERE intent_subjects.subject = ? ORDER BY intents.created_at, intents.id`
const lastUsed = sql<[chain: number, sender: string], { nonce: number | null }>`
  SELECT max(nonce) AS nonce FROM intents WHERE chain_id = ? AND sender = lower(?)`
const subjectsOf = sql<[intent: string], { subject: string }>`
  SELECT subject FROM intent_subjects WHERE intent_id = ? ORDER BY position`

/** Writes down what is about to be sent. */
export function intend(books: Books, asked: Ledger.NewIntent): Ledger.Intent {
  const intent = { ...asked, subjects: [...new Set(asked.subjects.map(sameSubject))] }
  const { id, chainId, kind, from, nonce, raw, hash, now } = intent
  if (books.get(find, id) !== null) throw new IntentError(id, 'is written already')
  guardIntent(books, intent)
  books.run(insert, id, chainId, kind, from, nonce, raw, hash, now, now)
  for (const [position, subject] of intent.subjects.entries()) books.run(insertSubject, id, position, subject)
  writeAttempt(books, id, { raw, hash, at: now })
  return needIntent(books, id)
}

/**
 * Follows what was sent. What is mined stays so: a late `sent` changes nothing, another end is refused. `dropped` gives
 * way when the chain shows it after all.
 */
export function updateIntent(books: Books, id: string, change: Ledger.IntentChange): Ledger.Intent {
  const intent = needIntent(books, id)
  const mined = intent.state === 'succeeded' || intent.state === 'reverted'
  if (mined && (change.state === 'sent' || change.state === 'intended')) return intent
  if (mined && change.state !== intent.state)
    throw new IntentError(id, `has ${intent.state}: it cannot become ${change.state}`)
  if (change.hash !== undefined) showAttempt(books, id, change.hash)
  books.run(update, change.state, change.reason ?? null, change.now, id)
  return needIntent(books, id)
}

/** Intents that have not ended, oldest first. */
export function openIntents(books: Books): Ledger.Intent[] {
  return books.all(open).map((row) => toIntent(books, row))
}

/** Intents about a channel or payment, oldest first. */
export function intentsFor(books: Books, subject: string): Ledger.Intent[] {
  return books.all(about, sameSubject(subject)).map((row) => toIntent(books, row))
}

/** Highest nonce of any intent from a key. */
export function lastNonce(books: Books, chainId: number, from: Address): number | null {
  return books.get(lastUsed, chainId, from)?.nonce ?? null
}

/** One that must be there. */
export function needIntent(books: Books, id: string): Ledger.Intent {
  const row = books.get(find, id)
  if (row === null) throw new IntentError(id, 'is not in the ledger')
  return toIntent(books, row)
}

/** Channel ids compare by value; payment ids as they are. */
function sameSubject(subject: string): string {
  return /^0x/i.test(subject) ? subject.toLowerCase() : subject
}

export function toIntent(books: Books, row: Row): Ledger.Intent {
  return {
    id: row.id,
    chainId: row.chain_id,
    kind: row.kind,
    subjects: books.all(subjectsOf, row.id).map(({ subject }) => subject),
    from: row.sender,
    nonce: row.nonce,
    raw: row.raw,
    hash: row.hash,
    now: row.created_at,
    state: row.state,
    reason: row.reason,
    updatedAt: row.updated_at,
  }
}
