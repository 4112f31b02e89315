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

/** Pieces as one, without a copy where it is one already. */
export function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const [first] = chunks
  return chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks)
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
