import type { ServerResponse } from 'node:http'
import { GatewayError } from './errors.ts'
import { onClose } from './on-close.ts'
import type { Outgoing } from './request/Outgoing.ts'
import { problem } from './request/problem.ts'
import type { Sink, Source } from './upstream/Source.ts'

/**
 * Writes an answer to its socket, no faster than the caller reads. A body that breaks takes the connection with it, so
 * that no caller can take half an answer for a whole one; one that breaks before anything was written is a problem
 * document instead.
 */
export function sendResponse(outgoing: Outgoing, response: ServerResponse): void {
  const { status, headers, body } = outgoing
  if (response.destroyed) {
    if (body !== null && !(body instanceof Uint8Array)) body.cancel()
  } else if (body === null || body instanceof Uint8Array) endWith(response.writeHead(status, headers), body)
  else new Sending(outgoing, body, response).start()
}

/** One body on its way to a socket. */
class Sending implements Sink {
  readonly #outgoing: Outgoing
  readonly #source: Source
  readonly #response: ServerResponse
  /** What is there when the body is opened leaves in one piece with the head, and with the end if that is there too. */
  #first: Uint8Array | null = null
  #opening = true
  #over = false
  #early: NodeJS.Immediate | undefined

  constructor(outgoing: Outgoing, source: Source, response: ServerResponse) {
    this.#outgoing = outgoing
    this.#source = source
    this.#response = response
  }

  start(): void {
    this.#source.open(this)
    this.#opening = false
    if (this.#over) return
    onClose(this.#response, () => {
      if (this.#over) return
      this.#over = true
      clearImmediate(this.#early)
      this.#source.cancel()
    })
    const first = this.#first
    this.#first = null
    if (first !== null) {
      if (this.write(first)) this.#source.resume()
    }
    // An answer that is slow to begin sends its head on ahead.
    else this.#early = setImmediate(() => this.#head().flushHeaders())
  }

  write(chunk: Uint8Array): boolean {
    if (this.#opening) {
      this.#first = chunk
      return false
    }
    if (this.#over) return false
    const more = this.#head().write(chunk)
    if (!more) this.#response.once('drain', () => this.#source.resume())
    return more
  }

  end(): void {
    this.#over = true
    endWith(this.#head(), this.#first)
  }

  fail(error: unknown): void {
    if (this.#over) return
    this.#over = true
    clearImmediate(this.#early)
    if (this.#response.headersSent || !(error instanceof GatewayError)) this.#response.destroy()
    else sendResponse(problem(error), this.#response)
  }

  #head(): ServerResponse {
    clearImmediate(this.#early)
    const { status, headers } = this.#outgoing
    return this.#response.headersSent ? this.#response : this.#response.writeHead(status, headers)
  }
}

/** Longest last piece that is copied behind the head. */
const mostAsText = 8_192

/**
 * Ends an answer with its last piece. A short one is given as text, a character for each byte: Node puts text and a head that has
 * not left into one string, and so into one write to the socket; bytes leave beside the head, which costs more.
 */
function endWith(response: ServerResponse, piece: Uint8Array | null): void {
  if (piece === null || piece.byteLength > mostAsText) response.end(piece)
  else
    response.end(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength).toString('latin1'), 'latin1')
}
