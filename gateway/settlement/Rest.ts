/**
 * Keeps work whose time grows to a fiftieth of all time: after a piece it rests 49 times as long, ten minutes at most. A short piece needs
 * no rest: it comes with a tick.
 */
export class Rest {
  #from = 0
  #until = 0

  /** Whether it is not time yet. A clock that was set back ends the rest. */
  lasts(now: number): boolean {
    return now >= this.#from && now < this.#until
  }

  /** The work took from one time to another, in milliseconds. */
  after(from: number, to: number): void {
    const took = to - from
    this.#from = to
    this.#until = took < shortMs ? to : to + Math.min(49 * took, mostMs)
  }
}

const shortMs = 250
const mostMs = 600_000
