import type { Dispatcher } from 'undici'
import type { GatewayError } from '../errors.ts'
import { responseHeaders } from './scrub.ts'
import {
  CallerGoneError,
  UpstreamBrokenError,
  UpstreamTimeoutError,
  upstreamError,
} from './upstream-error.ts'

/** Bytes that may wait for a reader before the upstream is told to stop. Nothing waits before the first read. */
const readAhead = 64 * 1024

/**
 * One request to one upstream and its answer. It settles `response` at the first final header block, feeds the body
 * only to who reads it, and settles `done` once, with how it ended.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly response: Promise<Exchange.Response>
  readonly done: Promise<Exchange.End>
  readonly #options: Exchange.Options
  readonly #deadline: NodeJS.Timeout
  #answer: (response: Exchange.Response) => void = () => {}
  #refuse: (error: GatewayError) => void = () => {}
  #settle: (end: Exchange.End) => void = () => {}
  #controller: Dispatcher.DispatchController | undefined
  #stream: ReadableStreamDefaultController<Uint8Array> | undefined
  #failure: GatewayError | undefined
  #ended = false
  #answered = false
  #bytes = 0

  constructor(options: Exchange.Options) {
    this.#options = options
    this.response = new Promise((resolve, reject) => {
      this.#answer = resolve
      this.#refuse = reject
    })
    this.done = new Promise((resolve) => {
      this.#settle = resolve
    })
    this.#deadline = setTimeout(() => this.#giveUp(new UpstreamTimeoutError(), 'broken'), options.deadlineMs)
    if (options.signal?.aborted) this.#onSignal()
    else options.signal?.addEventListener('abort', this.#onSignal, { once: true })
  }

  /** Whether it is over: then there is nothing left to dispatch. */
  get ended(): boolean {
    return this.#ended
  }

  /** Drops the exchange: the upstream's connection is closed, what was not read is lost. */
  readonly cancel = (reason?: unknown): void => {
    this.#giveUp(new CallerGoneError({ cause: reason }), 'cancelled')
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Given up while it waited for a connection: throwing here drops it before a byte is written.
    if (this.#failure !== undefined) throw this.#failure
    this.#controller = controller
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    upstream: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200 || this.#ended) return
    clearTimeout(this.#deadline)
    if (status > 599) {
      this.#giveUp(new UpstreamBrokenError({ cause: new Error(`status ${status}`) }), 'broken')
      return
    }
    const empty = hasNoBody(this.#options.method, status) || upstream['content-length'] === '0'
    if (!empty) controller.pause()
    const { headers, withheld } = responseHeaders(upstream, { paid: this.#options.paid })
    const body = empty ? null : this.#open(controller)
    this.#answered = true
    this.#answer({ status, headers, withheld, body, done: this.done, cancel: this.cancel })
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    if (this.#ended || this.#stream === undefined) return
    this.#bytes += chunk.byteLength
    this.#stream.enqueue(chunk)
    if ((this.#stream.desiredSize ?? 0) < -readAhead) controller.pause()
  }

  onResponseEnd(): void {
    if (this.#ended) return
    this.#end('complete')
    this.#stream?.close()
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, cause: Error): void {
    if (this.#ended) return
    this.#fail(upstreamError(cause, this.#controller === undefined ? 'unsent' : 'sent'), 'broken')
  }

  readonly #onSignal = (): void => this.cancel(this.#options.signal?.reason)

  #open(controller: Dispatcher.DispatchController): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (stream) => {
          this.#stream = stream
        },
        pull: () => {
          if (controller.paused) controller.resume()
        },
        cancel: (reason) => this.cancel(reason),
      },
      { highWaterMark: 0, size: (chunk) => chunk.byteLength },
    )
  }

  #giveUp(error: GatewayError, outcome: 'broken' | 'cancelled'): void {
    if (this.#ended) return
    this.#fail(error, outcome)
    this.#controller?.abort(error)
  }

  #fail(error: GatewayError, outcome: 'broken' | 'cancelled'): void {
    this.#failure = error
    this.#end(outcome, error)
    if (!this.#answered) this.#refuse(error)
    else this.#stream?.error(error)
  }

  #end(outcome: Exchange.End['outcome'], error?: GatewayError): void {
    this.#ended = true
    clearTimeout(this.#deadline)
    this.#options.signal?.removeEventListener('abort', this.#onSignal)
    this.#settle({ outcome, bytes: this.#bytes, error })
    this.#options.onEnd()
  }
}

export declare namespace Exchange {
  type Options = {
    method: string
    paid: boolean
    deadlineMs: number
    signal?: AbortSignal | undefined
    /** Called once, when nothing more will be read or written. */
    onEnd(): void
  }

  type Response = {
    status: number
    /** Scrubbed: safe to hand to the caller. */
    headers: Headers
    /** `X-Farthing-*` headers of the upstream: for the meter, never for the caller. */
    withheld: Headers
    /** Read on demand: until the first read not one byte is taken from the upstream's connection. */
    body: ReadableStream<Uint8Array> | null
    /** How it ended. Never rejects. Charge on `complete`; it comes when the last byte arrived from the upstream. */
    done: Promise<End>
    /** Closes the upstream's connection. A response is either read to its end or cancelled. */
    cancel(reason?: unknown): void
  }

  type End = {
    /** `complete`: framed whole. `broken`: cut, reset or late. `cancelled`: given up on this side. */
    outcome: 'complete' | 'broken' | 'cancelled'
    /** Body bytes that came from the upstream. */
    bytes: number
    error: GatewayError | undefined
  }
}

function hasNoBody(method: string, status: number): boolean {
  return method === 'HEAD' || status === 204 || status === 205 || status === 304
}
