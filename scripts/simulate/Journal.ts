import { createHash } from 'node:crypto'

/** What happened, in order: the last lines to read, and a digest over all of them to compare two runs by. */
export class Journal {
  readonly #keep: number
  readonly #hash = createHash('sha256')
  readonly #now: () => number
  readonly #echo: ((line: string) => void) | null
  #lines: string[] = []
  #count = 0
  #begun: number

  constructor(now: () => number, options: { keep?: number; echo?: (line: string) => void } = {}) {
    this.#now = now
    this.#begun = now()
    this.#keep = options.keep ?? 200
    this.#echo = options.echo ?? null
  }

  /** Writes a line down. It must say nothing that differs between two runs of a seed. */
  say(text: string): void {
    const line = `${((this.#now() - this.#begun) / 1_000).toFixed(3).padStart(10)}  ${text}`
    this.#hash.update(line).update('\n')
    this.#lines.push(line)
    this.#count += 1
    this.#echo?.(line)
    if (this.#lines.length > this.#keep * 2) this.#lines = this.#lines.slice(-this.#keep)
  }

  last(count: number): string[] {
    return this.#lines.slice(-count)
  }

  /** Lines that mention a text. */
  about(text: string): string[] {
    return this.#lines.filter((line) => line.includes(text))
  }

  get count(): number {
    return this.#count
  }

  digest(): string {
    return this.#hash.copy().digest('hex').slice(0, 32)
  }
}
