import { jcs } from '../../../protocol/Encoding.ts'
import type { Trail } from '../../Trail.ts'
import type { Books } from '../Books.ts'
import { type Event, genesis, hashOf } from '../trail/Event.ts'
import { transferBody } from '../trail/transfer-body.ts'
import { auditSegments, type StatedSegment } from './audit-history.ts'
import { eventsInOrder } from './events-in-order.ts'
import type { BookedTransfer } from './transfers-in-order.ts'

/** Transfers whose statements are kept until they are compared. */
const page = 1_000
/** Violations that are named; the rest is counted. */
const most = 100

/**
 * Verifies the trail in order: every event follows the one before it, has the hash of its content, and states exactly the
 * transfers that are booked, each once. Takes all of them, in their order. An anchor from an earlier audit shows whether history
 * was cut or made anew.
 */
export function auditTrail(
  books: Books,
  transfers: Iterator<BookedTransfer, void>,
  anchor?: Trail.Anchor,
): Trail.Audit {
  const found = new Findings()
  const last = { seq: 0, hash: genesis }
  const booked = new Booked(transfers)
  const segments = new Map<number, StatedSegment>()
  let transfer = 0
  let count = 0
  let anchored: string | null = null
  const stated = new Map<number, Stated>()
  let highest = 0
  /** Forgets what was stated once it was looked for. */
  const compareSoFar = () => {
    compare(booked.upTo(highest), stated, found)
    stated.clear()
    transfer = highest
  }
  for (const event of eventsInOrder(books)) {
    count += 1
    checkLink(event, last, found)
    if (event.seq === anchor?.seq) anchored = event.hash
    const body = bodyOf(event, found)
    if (count === 1) {
      transfer = Number(body.lastTransfer ?? 0)
      highest = transfer
      booked.skip(transfer)
    }
    for (const { segment, ...said } of segmentsOf(event, body))
      segments.set(segment, { seq: event.seq, ...said })
    for (const one of listOf(body.transfers)) {
      if (one.id <= transfer || stated.has(one.id))
        found.add(event.seq, `event ${event.seq} states transfer ${one.id} again`)
      else stated.set(one.id, { seq: event.seq, text: jcs(one) })
      highest = Math.max(highest, one.id)
    }
    last.seq = event.seq
    last.hash = event.hash
    if (stated.size >= page) compareSoFar()
  }
  compareSoFar()
  compare(booked.upTo(Number.POSITIVE_INFINITY), new Map(), found)
  for (const { seq, violation } of auditSegments(books, segments)) found.add(seq, violation)
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

/** Segments of the history that an event states: its own, or those of a group. */
function segmentsOf(
  event: Event,
  body: Record<string, unknown>,
): (Omit<StatedSegment, 'seq'> & { segment: number })[] {
  const told = event.kind === 'group' && Array.isArray(body.events) ? body.events : [{ ...event, body }]
  return told
    .filter((one) => one?.kind === 'history')
    .map(({ subject, body: said }) => ({
      segment: Number(subject),
      payments: Number(said?.payments),
      transfers: Number(said?.transfers),
      events: Number(said?.events),
      hash: String(said?.hash),
    }))
}

/** Compares what a page of events states with what is booked. */
function compare(booked: Iterable<BookedTransfer>, stated: Map<number, Stated>, found: Findings): void {
  for (const row of booked) {
    const said = stated.get(row.id)
    stated.delete(row.id)
    if (said === undefined) found.add(null, `transfer ${row.id} (${row.kind}) has no event in the trail`)
    else if (said.text !== jcs(transferBody(toPosted(row))))
      found.add(said.seq, `transfer ${row.id} is not what event ${said.seq} states`)
  }
  for (const [id, { seq }] of stated)
    found.add(seq, `transfer ${id}, which event ${seq} states, is not in the books`)
}

/** The transfers that are booked, in order, taken a part at a time. */
class Booked {
  readonly #rows: Iterator<BookedTransfer, void>
  #next: IteratorResult<BookedTransfer, void>

  constructor(rows: Iterator<BookedTransfer, void>) {
    this.#rows = rows
    this.#next = rows.next()
  }

  /** Up to and with a number. */
  *upTo(id: number): Generator<BookedTransfer> {
    for (; this.#next.done !== true && this.#next.value.id <= id; this.#next = this.#rows.next())
      yield this.#next.value
  }

  /** Passes over those of before the trail began. */
  skip(id: number): void {
    for (const _ of this.upTo(id));
  }
}

const toPosted = ({ payment_id, channel_id, tx, log_index, ...row }: BookedTransfer): Books.Posted => ({
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
