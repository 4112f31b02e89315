import { jcs } from '../../../protocol/Encoding.ts'
import type { Trail } from '../../Trail.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'
import { type Event, genesis, hashOf } from '../trail/Event.ts'
import { transferBody } from '../trail/transfer-body.ts'

/** Rows read at once. */
const page = 1_000
/** Violations that are named; the rest is counted. */
const most = 100

type Transfer = {
  id: number
  kind: string
  debit: string
  credit: string
  asset: string
  amount: string
  payment_id: string | null
  channel_id: string | null
  tx: string | null
  log_index: number | null
}

const events = sql<[after: number, limit: number], Event>`
  SELECT seq, at, kind, subject, body, prev_hash, hash FROM events WHERE seq > ? ORDER BY seq LIMIT ?`
const transfers = sql<[after: number, upTo: number], Transfer>`
  SELECT id, kind, debit, credit, asset, amount, payment_id, channel_id, tx, log_index FROM transfers
  WHERE id > ? AND id <= ? ORDER BY id`
const lastTransfer = sql<[], { last: number }>`SELECT coalesce(max(id), 0) AS last FROM transfers`

/**
 * Verifies the trail in order: every event follows the one before it, has the hash of its content, and states exactly the
 * transfers that are booked, each once. An anchor from an earlier audit shows whether history was cut or made anew.
 */
export function auditTrail(books: Books, anchor?: Trail.Anchor): Trail.Audit {
  const found = new Findings()
  const last = { seq: 0, hash: genesis }
  let transfer = 0
  let count = 0
  let anchored: string | null = null
  for (;;) {
    const rows = books.all(events, last.seq, page)
    if (rows.length === 0) break
    const stated = new Map<number, Stated>()
    let highest = transfer
    for (const event of rows) {
      count += 1
      checkLink(event, last, found)
      if (event.seq === anchor?.seq) anchored = event.hash
      const body = bodyOf(event, found)
      if (count === 1) transfer = Number(body.lastTransfer ?? 0)
      for (const one of listOf(body.transfers)) {
        if (one.id <= transfer || stated.has(one.id))
          found.add(event.seq, `event ${event.seq} states transfer ${one.id} again`)
        else stated.set(one.id, { seq: event.seq, text: jcs(one) })
        highest = Math.max(highest, one.id)
      }
      last.seq = event.seq
      last.hash = event.hash
    }
    transfer = compare(books, transfer, highest, stated, found)
  }
  compare(books, transfer, books.get(lastTransfer)?.last ?? 0, new Map(), found)
  if (anchor !== undefined && anchored !== anchor.hash)
    found.add(
      anchor.seq,
      anchored === null
        ? `anchor ${anchor.seq}:${anchor.hash} is not in the trail, which ends at event ${last.seq}: it was cut, or the books are older`
        : `event ${anchor.seq} has hash ${anchored}; the anchor says ${anchor.hash}: history was made anew`,
    )
  return {
    holds: found.total === 0,
    violations: found.list(),
    brokenAt: found.first,
    events: count,
    head: last.seq === 0 ? null : { ...last },
  }
}

type Stated = { seq: number; text: string }

function checkLink(event: Event, last: { seq: number; hash: string }, found: Findings): void {
  if (event.seq !== last.seq + 1)
    found.add(last.seq + 1, `event ${last.seq + 1} is missing: ${last.seq} is followed by ${event.seq}`)
  else if (event.prev_hash !== last.hash)
    found.add(
      event.seq,
      `event ${event.seq} does not follow event ${last.seq}: it names another hash before it`,
    )
  if (hashOf(event) !== event.hash)
    found.add(event.seq, `event ${event.seq} (${event.kind}) does not have the hash of what it says`)
}

function bodyOf(event: Event, found: Findings): Record<string, unknown> {
  try {
    const body: unknown = JSON.parse(event.body)
    if (typeof body === 'object' && body !== null) return body as Record<string, unknown>
  } catch {}
  found.add(event.seq, `event ${event.seq} (${event.kind}) cannot be read`)
  return {}
}

function listOf(value: unknown): { id: number }[] {
  return Array.isArray(value) ? value.filter((one) => typeof one?.id === 'number') : []
}

/** Compares what a page of events states with the booked transfers `after` … `upTo`. Returns where it got to. */
function compare(
  books: Books,
  after: number,
  upTo: number,
  stated: Map<number, Stated>,
  found: Findings,
): number {
  for (let from = after; from < upTo; from += page)
    for (const row of books.all(transfers, from, Math.min(from + page, upTo))) {
      const said = stated.get(row.id)
      stated.delete(row.id)
      if (said === undefined) found.add(null, `transfer ${row.id} (${row.kind}) has no event in the trail`)
      else if (said.text !== jcs(transferBody(toPosted(row))))
        found.add(said.seq, `transfer ${row.id} is not what event ${said.seq} states`)
    }
  for (const [id, { seq }] of stated)
    found.add(seq, `transfer ${id}, which event ${seq} states, is not in the books`)
  return upTo
}

const toPosted = ({ payment_id, channel_id, tx, log_index, ...row }: Transfer): Books.Posted => ({
  ...row,
  payment: payment_id,
  channel: channel_id,
  transaction: tx,
  logIndex: log_index,
})

/** Violations in the order in which they were found, and the first event that is touched. */
class Findings {
  readonly #texts: string[] = []
  total = 0
  first: number | null = null

  add(seq: number | null, text: string): void {
    this.total += 1
    if (seq !== null && (this.first === null || seq < this.first)) this.first = seq
    if (this.#texts.length < most) this.#texts.push(text)
  }

  list(): string[] {
    const more = this.total - this.#texts.length
    return more === 0 ? this.#texts : [...this.#texts, `… and ${more} more`]
  }
}
