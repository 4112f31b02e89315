import { connect, type Socket } from 'node:net'
import { Reply } from './Reply.ts'

/** One connection of the load, with one call at a time under way. */
export class Connection {
  readonly #socket: Socket
  readonly #reply = new Reply()
  readonly #script: readonly Uint8Array[]
  readonly #loop: boolean
  #next = 0
  /** When the call under way was due. */
  since = 0

  constructor(port: number, script: readonly Uint8Array[], loop: boolean, events: Connection.Events) {
    this.#script = script
    this.#loop = loop
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.#socket.on('connect', () => events.onFree(this))
    this.#socket.on('data', (data) => {
      if (!this.#reply.take(data)) return
      events.onReply(this, this.#reply.status, data)
      events.onFree(this)
    })
    this.#socket.on('error', (error) => events.onBroken(error))
    this.#socket.on('close', () => events.onClosed())
  }

  /** Sends the next call of the script; false when there is none left. */
  send(since: number): boolean {
    if (this.#loop && this.#next === this.#script.length) this.#next = 0
    const bytes = this.#script[this.#next]
    if (bytes === undefined) return false
    this.#next += 1
    this.since = since
    this.#socket.write(bytes)
    return true
  }

  close(): void {
    this.#socket.destroy()
  }
}

export declare namespace Connection {
  type Events = {
    /** It may send. */
    onFree(connection: Connection): void
    onReply(connection: Connection, status: number, data: Buffer): void
    onBroken(error: Error): void
    onClosed(): void
  }
}
