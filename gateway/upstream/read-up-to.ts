import { joined, type Sink, type Source } from './Source.ts'

/** Reads a body whole that is no longer than `limit` bytes. A longer one stays a source, with what was read of it in front. */
export function readUpTo(source: Source, limit: number): Promise<Uint8Array | Source> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = []
    let size = 0
    let longer: Longer | null = null
    source.open({
      write(chunk) {
        if (longer !== null) return longer.write(chunk)
        chunks.push(chunk)
        size += chunk.byteLength
        if (size <= limit) return true
        longer = new Longer(chunks, source)
        resolve(longer)
        return false
      },
      end() {
        if (longer !== null) return longer.end()
        resolve(joined(chunks))
      },
      fail(error) {
        if (longer !== null) longer.fail(error)
        else reject(error)
      },
    })
  })
}

/** What is left of a source of which some was read: that first, then the rest. */
class Longer implements Source, Sink {
  readonly #read: Uint8Array[]
  readonly #rest: Source
  #sink: Sink | null = null
  #failure: { error: unknown } | null = null

  constructor(read: Uint8Array[], rest: Source) {
    this.#read = read
    this.#rest = rest
  }

  open(sink: Sink): void {
    this.#sink = sink
    this.resume()
  }

  resume(): void {
    const sink = this.#sink
    if (sink === null) return
    for (let chunk = this.#read.shift(); chunk !== undefined; chunk = this.#read.shift())
      if (!sink.write(chunk)) return
    if (this.#failure !== null) sink.fail(this.#failure.error)
    else this.#rest.resume()
  }

  cancel(reason?: unknown): void {
    this.#rest.cancel(reason)
  }

  write(chunk: Uint8Array): boolean {
    return this.#sink?.write(chunk) ?? false
  }

  end(): void {
    this.#sink?.end()
  }

  fail(error: unknown): void {
    if (this.#sink !== null && this.#read.length === 0) this.#sink.fail(error)
    else this.#failure = { error }
  }
}
