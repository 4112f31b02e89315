/**
 * Reads answers off one connection, one at a time: enough of HTTP/1.1 to know the status and where an answer ends, and
 * no more, so that the load costs little beside what is measured.
 */
export class Reply {
  status = 0
  #held: Buffer | null = null
  /** Bytes of the whole answer; -1 while its header is not there, -2 when it is chunked. */
  #size = -1

  /** Takes bytes; true when the answer is whole, and the next may be asked for. */
  take(data: Buffer): boolean {
    const held = this.#held === null ? data : Buffer.concat([this.#held, data])
    this.#held = held
    if (this.#size === -1) {
      const end = held.indexOf('\r\n\r\n')
      if (end === -1) return false
      this.#readHeader(held.toString('latin1', 0, end), end + 4)
    }
    const whole =
      this.#size === -2 ? held.toString('latin1', held.length - 5) === '0\r\n\r\n' : held.length >= this.#size
    if (!whole) return false
    this.#held = null
    this.#size = -1
    return true
  }

  #readHeader(head: string, start: number): void {
    this.status = Number(head.slice(9, 12))
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
    if (length !== undefined) this.#size = start + Number(length)
    else this.#size = /\r\ntransfer-encoding: *chunked/i.test(head) ? -2 : start
  }
}
