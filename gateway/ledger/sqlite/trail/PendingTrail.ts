import type { Books } from '../Books.ts'
import type { Entry as Told } from '../working-set/Journal.ts'
import { append, canonical, type Said } from './append.ts'
import { transferBody } from './transfer-body.ts'

type Entry = { said: Said; transfers: Books.Posted[] }

/**
 * What operations say, until it is written with the rows that they changed: as one event for all of them, which states every
 * transfer that they booked. An operation that is alone is an event of its own.
 */
export class PendingTrail {
  readonly #books: Books
  #entries: Entry[] = []
  /** How many are of operations that are done, and how many the journal has. */
  #settled = 0
  #told = 0

  constructor(books: Books) {
    this.#books = books
  }

  get isDirty(): boolean {
    return this.#entries.length > 0
  }

  add(said: Said, transfers: Books.Posted[]): void {
    this.#entries.push({ said, transfers })
  }

  flush(): void {
    const entries = this.#entries
    const [first] = entries
    if (first === undefined) return
    this.forget()
    const booked = entries.flatMap(({ transfers }) => transfers).map(transferBody)
    const stated = booked.length === 0 ? {} : { transfers: booked }
    if (entries.length === 1) append(this.#books, { ...first.said, body: { ...first.said.body, ...stated } })
    else append(this.#books, { kind: 'group', subject: '', body: { events: entries.map(one), ...stated } })
  }

  tell(entries: Told[]): void {
    for (; this.#told < this.#entries.length; this.#told++) {
      const entry = this.#entries[this.#told]
      if (entry !== undefined) entries.push(['said', entry.said])
    }
  }

  settle(): void {
    this.#settled = this.#entries.length
  }

  undo(): void {
    this.#entries.length = Math.min(this.#settled, this.#entries.length)
  }

  forget(): void {
    this.#entries = []
    this.#settled = 0
    this.#told = 0
  }
}

/** One operation in a group's event. Members in the order of RFC 8785. */
function one({ said: { kind, subject, body } }: Entry) {
  return { body: canonical(body), kind, subject }
}
