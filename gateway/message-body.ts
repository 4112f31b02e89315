import type { IncomingMessage, ServerResponse } from 'node:http'
import { onClose } from './on-close.ts'
import type { Sink, Source } from './upstream/Source.ts'

/** Time for a caller to finish sending what nobody reads. */
const lingerMs = 500

/**
 * The body of a server's message, as it comes off the wire. What nobody took of it when its answer is over is thrown away for a
 * moment, so that a caller that sends on hears the answer and its connection can be used again; then the connection is closed.
 */
export class MessageBody implements Source {
  readonly #message: IncomingMessage
  /** Who takes it, until it has ended in any way. */
  #sink: Sink | null = null
  #isClosed = false

  constructor(message: IncomingMessage, response: ServerResponse) {
    this.#message = message
    onClose(response, () => {
      this.#isClosed = true
      this.#take()?.fail(closed())
      if (!message.complete) discardRest(message)
    })
  }

  open(sink: Sink): void {
    if (this.#isClosed) {
      sink.fail(closed())
      return
    }
    const message = this.#message
    this.#sink = sink
    message.on('data', (chunk: Uint8Array) => {
      if (this.#sink?.write(chunk) === false) message.pause()
    })
    message.on('end', () => this.#take()?.end())
    message.on('error', (error) => this.#take()?.fail(error))
  }

  resume(): void {
    this.#message.resume()
  }

  cancel(): void {
    this.#sink = null
    this.#message.pause()
  }

  #take(): Sink | null {
    const sink = this.#sink
    this.#sink = null
    return sink
  }
}

const closed = () => new Error('The connection was closed.')

function discardRest(message: IncomingMessage): void {
  const late = setTimeout(() => message.socket.destroy(), lingerMs).unref()
  const done = () => clearTimeout(late)
  message.once('end', done).once('close', done)
  message.on('error', () => {})
  message.resume()
}
