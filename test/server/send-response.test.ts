import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import type { Outgoing } from '../../gateway/request/Outgoing.ts'
import { sendResponse } from '../../gateway/send-response.ts'
import { fromStream } from '../../gateway/upstream/Source.ts'

/** What one request gets on the wire, in the pieces in which the server wrote it. */
async function written(outgoing: Outgoing, method = 'GET'): Promise<{ whole: Buffer; writes: number }> {
  let writes = 0
  const server = createServer((_message, response) => sendResponse(outgoing, response))
  server.on('connection', (socket) => {
    const { _write, _writev } = socket
    socket._write = (...given) => {
      writes += 1
      _write.apply(socket, given)
    }
    if (_writev !== undefined && _writev !== null)
      socket._writev = (chunks, done) => {
        writes += chunks.length
        _writev.call(socket, chunks, done)
      }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.write(`${method} / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`)
  const pieces: Buffer[] = []
  for await (const piece of socket) pieces.push(piece as Buffer)
  return { whole: Buffer.concat(pieces), writes }
}

const bytesOf = (length: number) => Uint8Array.from({ length }, (_, index) => index % 256)
const headersOf = (length: number) => ['content-length', String(length), 'x-latin', '\u00e9']
const bodyOf = (whole: Buffer) => whole.subarray(whole.indexOf('\r\n\r\n') + 4)

test('default: a short answer leaves with its head in one write, every byte as it was', async () => {
  const body = bytesOf(512)
  const { whole, writes } = await written({ status: 200, headers: headersOf(512), body })
  expect(bodyOf(whole)).toEqual(Buffer.from(body))
  expect(whole.toString('latin1')).toContain('x-latin: \u00e9\r\n')
  expect(writes).toBe(1)
})

test.each([0, 1, 8_192, 8_193, 100_000])(
  'behavior: an answer of %d bytes arrives as it was',
  async (length) => {
    const body = bytesOf(length)
    const sources: Outgoing['body'][] = [
      body,
      // A view into something longer: what is beside it stays where it is.
      bytesOf(length + 2).subarray(0, length),
      fromStream(new Blob([body]).stream()),
    ]
    for (const source of sources) {
      const { whole } = await written({ status: 200, headers: headersOf(length), body: source })
      expect(bodyOf(whole)).toEqual(Buffer.from(body))
    }
  },
)

test('behavior: an answer that does not say its length is framed whole', async () => {
  const { whole } = await written({ status: 200, headers: [], body: bytesOf(300) })
  const framed = bodyOf(whole)
  expect(framed.subarray(0, 5).toString()).toBe('12c\r\n')
  expect(framed.subarray(5, 305)).toEqual(Buffer.from(bytesOf(300)))
})

test('behavior: the answer to HEAD has a head alone', async () => {
  const { whole } = await written({ status: 200, headers: headersOf(512), body: bytesOf(512) }, 'HEAD')
  expect(bodyOf(whole)).toHaveLength(0)
  expect(whole.toString('latin1')).toContain('content-length: 512')
})
