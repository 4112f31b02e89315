import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Reply } from '../../../scripts/bench/load/Reply.ts'

const sized = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'
const chunked = 'HTTP/1.1 402 Payment Required\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'

describe('Reply', () => {
  test('default: an answer with a length is whole with its last byte', () => {
    const reply = new Reply()
    expect(reply.take(Buffer.from(sized))).toBe(true)
    expect(reply.status).toBe(200)
  })

  test.each([sized, chunked])('behavior: however it is cut, one answer ends once: %j', (text) => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: text.length - 1 }), { maxLength: 6 }), (cuts) => {
        const reply = new Reply()
        const places = [0, ...new Set(cuts.toSorted((a, b) => a - b)), text.length]
        const ends = places
          .slice(1)
          .map((end, index) => reply.take(Buffer.from(text.slice(places[index], end))))
        expect(ends).toEqual([...ends.slice(1).map(() => false), true])
      }),
    )
  })

  test('behavior: it reads one answer after the other', () => {
    const reply = new Reply()
    expect([reply.take(Buffer.from(sized)), reply.status]).toEqual([true, 200])
    expect([reply.take(Buffer.from(chunked)), reply.status]).toEqual([true, 402])
  })
})
