import type { Dispatcher } from 'undici'
import type { GatewayError } from '../errors.ts'
import type { Fields } from './Fields.ts'
import type { Gone } from './Gone.ts'
import type { Sink, Source } from './Source.ts'
import { responseHeaders } from './scrub.ts'
import {
  CallerGoneError,
  UpstreamBrokenError,
  UpstreamTimeoutError,
  upstreamError,
} from './upstream-error.ts'

/** Bytes that may wait for whoever takes them before the upstream is told to stop. */
const readAhead = 64 * 1024

/**
 * One request to one upstream and its answer. It settles `response` at the first final header block, is the body's source,
 * and settles `done` once, with how it ended.
 */
export class Exchange implements Dispatcher.DispatchHandler, Source {
  readonly response: Promise<Exchange.Response>
  readonly done: Promise<Exchange.End>
  readonly #options: Exchange.Options
  readonly #deadline: NodeJS.Timeout
  #answer: (response: Exchange.Response) => void = () => {}
  #refuse: (error: GatewayError) => void = () => {}
  #settle: (end: Exchange.End) => void = () => {}
  #controller: Dispatcher.DispatchController | undefined
  #sink: Sink | undefined
  #failure: GatewayError | undefined
  #ended = false
  #answered = false
  /** The sink has had enough for now. */
  #full = false
  /** The last byte has come. */
  #whole = false
  #waiting: Uint8Array[] = []
  #bytes = 0
  #taken = 0

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
    const { method, paid, eager } = this.#options
    const length = upstream['content-length']
    const empty = hasNoBody(method, status) || length === '0'
    if (!empty && !(Number(length ?? Number.POSITIVE_INFINITY) <= eager)) controller.pause()
    const { headers, withheld } = responseHeaders(upstream, { paid })
    this.#answered = true
    // Of an answer without a body nothing waits to be taken.
    if (empty) this.#sink = nowhere
    const body = empty ? null : this
    this.#answer({ status, headers, withheld, body, done: this.done, cancel: this.cancel })
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    // A resumed parser begins with an empty piece. Pausing at it again would resume and pause for ever.
    if (this.#ended || chunk.byteLength === 0) return
    this.#bytes += chunk.byteLength
    if (this.#sink !== undefined && !this.#full && this.#waiting.length === 0) {
      this.#taken += chunk.byteLength
      if (this.#sink.write(chunk)) return
      this.#full = true
      controller.pause()
      return
    }
    this.#waiting.push(chunk)
    if (this.#bytes - this.#taken > readAhead) controller.pause()
  }

  onResponseEnd(): void {
    if (this.#ended) return
    this.#whole = true
    this.#flush()
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, cause: Error): void {
    if (this.#ended) return
    this.#fail(upstreamError(cause, this.#controller === undefined ? 'unsent' : 'sent'), 'broken')
  }

  /** Starts the body's flow. One that has broken off fails at once. */
  open(sink: Sink): void {
    this.#sink = sink
    if (this.#failure !== undefined) sink.fail(this.#failure)
    else this.#flush()
  }

  resume(): void {
    this.#full = false
    this.#flush()
  }

  readonly #onSignal = (): void => this.cancel(this.#options.signal?.reason)

  /** Hands on what waits, then lets more come, or ends. */
  #flush(): void {
    const sink = this.#sink
    if (sink === undefined || this.#ended) return
    while (!this.#full) {
      const chunk = this.#waiting.shift()
      if (chunk === undefined) break
      this.#taken += chunk.byteLength
      this.#full = !sink.write(chunk)
      // Whoever takes it may have left over it.
      if (this.#ended) return
    }
    if (this.#waiting.length > 0) return
    if (this.#whole) {
      this.#end('complete')
      sink.end()
    } else if (!this.#full && this.#controller?.paused) this.#controller.resume()
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
    else this.#sink?.fail(error)
  }

  #end(outcome: Exchange.End['outcome'], error?: GatewayError): void {
    this.#ended = true
    this.#waiting = []
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
    /** A body that says it is no longer than this is opened at once, so it need not wait in the upstream's connection. */
    eager: number
    deadlineMs: number
    signal?: Gone | undefined
    /** Called once, when nothing more will be read or written. */
    onEnd(): void
  }

  type Response = {
    status: number
    /** Scrubbed: safe to hand to the caller. */
    headers: Fields
    /** `X-Farthing-*` headers of the upstream: for the meter, never for the caller. */
    withheld: Fields
    /** Null when it has none. */
    body: Source | null
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

/** Takes nothing. */
const nowhere: Sink = { write: () => true, end() {}, fail() {} }
