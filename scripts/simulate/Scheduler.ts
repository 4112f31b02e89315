/** The real one: everything else that tells time is virtual while a simulation runs. */
const immediate = setImmediate

type Event = { at: number; order: number; work: () => unknown; group: string | null }

/**
 * Virtual time, and the only place where anything waits. One event is run at a time; before the next one everything that
 * follows from it has come to rest. Real input and output (SQLite, the chain) happens inside an event, which waits for
 * it, so its real speed decides nothing. Events of one group at the same time run together: that is how operations
 * reach the ledger in one turn and share a commit.
 */
export class Scheduler {
  #now: number
  #order = 0
  readonly #heap: Event[] = []

  constructor(now: number) {
    this.#now = now
  }

  /** Milliseconds since the epoch. */
  now(): number {
    return this.#now
  }

  /** Runs work after some time. Returns a function that takes it back. */
  after(ms: number, work: () => unknown, group: string | null = null): () => void {
    this.#order += 1
    const event: Event = { at: this.#now + Math.max(0, Math.round(ms)), order: this.#order, work, group }
    this.#push(event)
    return () => {
      event.work = () => {}
    }
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(ms, resolve)
    })
  }

  /** Does real input or output as an event of its own, now: time stands still until it is done. */
  perform<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.after(0, () => work().then(resolve, reject))
    })
  }

  /** Runs everything that is due until a time; then it is that time. `stop` ends it early. */
  async run(until: number, stop: () => boolean = () => false): Promise<void> {
    await this.#rest()
    while (!stop()) {
      const next = this.#heap[0]
      if (next === undefined || next.at > until) break
      this.#now = Math.max(this.#now, next.at)
      const together = [this.#pop()]
      while (next.group !== null && this.#heap[0]?.at === next.at && this.#heap[0].group === next.group)
        together.push(this.#pop())
      await Promise.all(together.map(async ({ work }) => work()))
      await this.#rest()
    }
    this.#now = Math.max(this.#now, until)
  }

  /** Waits until nothing follows any more from what was done. */
  async #rest(): Promise<void> {
    let seen: number
    do {
      seen = this.#order
      for (let turn = 0; turn < 2; turn += 1)
        await new Promise<void>((resolve) => {
          immediate(resolve)
        })
    } while (seen !== this.#order)
  }

  #push(event: Event): void {
    const heap = this.#heap
    let index = heap.push(event) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      const above = heap[parent]
      if (above === undefined || !isBefore(event, above)) break
      heap[index] = above
      index = parent
    }
    heap[index] = event
  }

  #pop(): Event {
    const heap = this.#heap
    const [first] = heap
    const last = heap.pop()
    if (first === undefined || last === undefined) throw new Error('Nothing is due.')
    if (heap.length === 0) return first
    let index = 0
    for (;;) {
      const left = 2 * index + 1
      const [a, b] = [heap[left], heap[left + 1]]
      if (a === undefined) break
      const smaller = b !== undefined && isBefore(b, a) ? left + 1 : left
      const child = heap[smaller]
      if (child === undefined || !isBefore(child, last)) break
      heap[index] = child
      index = smaller
    }
    heap[index] = last
    return first
  }
}

const isBefore = (a: Event, b: Event) => a.at < b.at || (a.at === b.at && a.order < b.order)
