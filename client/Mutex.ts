/** One holder at a time for each key, within this process, in the order of asking. */
export class Mutex {
  readonly #tails = new Map<string, Promise<unknown>>()

  /** Runs `work` when everybody who asked earlier for `key` is done. */
  async run<result>(key: string, work: () => Promise<result>): Promise<result> {
    const before = this.#tails.get(key) ?? Promise.resolve()
    const mine = before.then(work, work)
    const tail = mine.then(
      () => {},
      () => {},
    )
    this.#tails.set(key, tail)
    try {
      return await mine
    } finally {
      if (this.#tails.get(key) === tail) this.#tails.delete(key)
    }
  }
}
