/**
 * A body on its way. It moves only after it was opened and only as fast as it is taken; until then nothing that is long
 * leaves the connection it comes from. Without promises: a piece is handed on in the turn in which it came.
 */
export type Source = {
  /** Starts the flow, once. What is there already comes before this returns. */
  open(sink: Sink): void
  /** The sink, which had enough, takes more. */
  resume(): void
  /** Nobody takes the rest. */
  cancel(reason?: unknown): void
}

/** Where a body goes. */
export type Sink = {
  /** Takes a piece. False: no more until `resume`. */
  write(chunk: Uint8Array): boolean
  /** It is whole. */
  end(): void
  /** It broke off. */
  fail(error: unknown): void
}

/** For who reads web streams: pulled piece by piece. */
export function toStream(source: Source): ReadableStream<Uint8Array> {
  let opened = false
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (opened) return source.resume()
        opened = true
        source.open({
          write(chunk) {
            controller.enqueue(chunk)
            return false
          },
          end: () => controller.close(),
          fail: (error) => controller.error(error),
        })
      },
      cancel: (reason) => source.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}

/** A web stream as a source. It is locked from here on. */
export function fromStream(stream: ReadableStream<Uint8Array>): Source {
  const reader = stream.getReader()
  let sink: Sink | null = null
  let over = false

  async function flow(to: Sink): Promise<void> {
    try {
      for (;;) {
        const { done, value } = await reader.read()
        if (over) return
        if (done) break
        if (!to.write(value)) return
      }
      over = true
      to.end()
    } catch (error) {
      if (over) return
      over = true
      to.fail(error)
    }
  }

  return {
    open(to) {
      sink = to
      void flow(to)
    },
    resume() {
      if (sink !== null && !over) void flow(sink)
    },
    cancel(reason) {
      if (over) return
      over = true
      reader.cancel(reason).catch(() => {})
    },
  }
}

/** Reads a body whole. Rejects with what it broke off with. */
export function readAll(source: Source): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = []
    source.open({
      write(chunk) {
        chunks.push(chunk)
        return true
      },
      end: () => resolve(joined(chunks)),
      fail: reject,
    })
  })
}

/** Without a copy where it is one piece. */
function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const [first] = chunks
  return chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks)
}

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

/** The same body, with an eye on every piece that is taken. */
export function tapped(source: Source, onChunk: (chunk: Uint8Array) => void): Source {
  return {
    open: (sink) =>
      source.open({
        write(chunk) {
          onChunk(chunk)
          return sink.write(chunk)
        },
        end: () => sink.end(),
        fail: (error) => sink.fail(error),
      }),
    resume: () => source.resume(),
    cancel: (reason) => source.cancel(reason),
  }
}
