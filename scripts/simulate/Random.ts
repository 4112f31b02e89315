/**
 * The one source of chance (sfc32, seeded by splitmix32): equal seeds give equal numbers on every machine. `fork` gives a
 * stream of its own to each part, so that a question more in one part does not change the answers in all others.
 */
export class Random {
  #a: number
  #b: number
  #c: number
  #d: number
  readonly #seed: number

  constructor(seed: number) {
    this.#seed = seed >>> 0
    let state = this.#seed
    const mixed = () => {
      state = (state + 0x9e3779b9) | 0
      let z = state ^ (state >>> 16)
      z = Math.imul(z, 0x21f0aaad)
      z ^= z >>> 15
      z = Math.imul(z, 0x735a2d97)
      return z ^ (z >>> 15)
    }
    this.#a = mixed()
    this.#b = mixed()
    this.#c = mixed()
    this.#d = 1
    for (let round = 0; round < 12; round += 1) this.#next()
  }

  /** A stream of its own, by name. */
  fork(name: string): Random {
    let hash = 0x811c9dc5 ^ this.#seed
    for (let index = 0; index < name.length; index += 1)
      hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193)
    return new Random(hash)
  }

  /** From 0 to below 1. */
  fraction(): number {
    return this.#next() / 2 ** 32
  }

  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.fraction() * (most - least + 1))
  }

  chance(probability: number): boolean {
    return probability > 0 && this.fraction() < probability
  }

  pick<T>(from: readonly T[]): T {
    const found = from[this.between(0, from.length - 1)]
    if (found === undefined) throw new Error('There is nothing to pick from.')
    return found
  }

  bytes(into: Uint8Array): Uint8Array {
    for (let index = 0; index < into.length; index += 1) into[index] = this.#next() & 0xff
    return into
  }

  #next(): number {
    const t = (((this.#a + this.#b) | 0) + this.#d) | 0
    this.#d = (this.#d + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + t) | 0
    return t >>> 0
  }
}
