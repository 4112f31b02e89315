import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { MessageBody } from '../../gateway/message-body.ts'
import { readUpTo } from '../../gateway/upstream/read-up-to.ts'
import { readAll, type Source } from '../../gateway/upstream/Source.ts'

type Got = { body: Source; message: IncomingMessage; response: ServerResponse }

/** A request that has begun to arrive, with its head alone, and the socket it comes from. */
async function begun(framing: string): Promise<Got & { socket: Socket; answer(): Promise<string> }> {
  const got = Promise.withResolvers<Got>()
  const server = createServer((message, response) =>
    got.resolve({ body: new MessageBody(message, response), message, response }),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  onTestFinished(() => {
    socket.destroy()
    server.closeAllConnections()
    server.close()
  })
  socket.on('error', () => {})
  socket.write(`POST / HTTP/1.1\r\nhost: a\r\n${framing}\r\n\r\n`)
  const answer = async () => String((await once(socket, 'data'))[0])
  return { ...(await got.promise), socket, answer }
}

const text = async (bytes: Promise<Uint8Array>) => Buffer.from(await bytes).toString()

describe('MessageBody', () => {
  test('default: is what was sent, of a known length or in chunks', async () => {
    const known = await begun('content-length: 6')
    known.socket.write('one')
    known.socket.write('two')
    expect(await text(readAll(known.body))).toBe('onetwo')
    const chunked = await begun('transfer-encoding: chunked')
    chunked.socket.write('3\r\none\r\n')
    chunked.socket.write('3\r\ntwo\r\n0\r\n\r\n')
    expect(await text(readAll(chunked.body))).toBe('onetwo')
  })

  test('behavior: whoever has enough is sent no more until it says so, and the caller has to wait', async () => {
    const total = 32 * 1024 * 1024
    const { body, socket } = await begun(`content-length: ${total}`)
    socket.write(Buffer.alloc(total, 1))
    let taken = 0
    const first = Promise.withResolvers<void>()
    const end = Promise.withResolvers<void>()
    let more = false
    body.open({
      write(chunk) {
        taken += chunk.byteLength
        first.resolve()
        return more
      },
      end: end.resolve,
      fail: end.reject,
    })
    await first.promise
    const before = taken
    expect(socket.writableLength).toBeGreaterThan(0)
    // Whatever could still come has come by then.
    await new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)))
    expect(taken).toBe(before)
    more = true
    body.resume()
    await end.promise
    expect(taken).toBe(total)
  })

  test('error: a caller that hangs up in the middle fails whoever reads, however much was read', async () => {
    for (const read of [readAll, (body: Source) => readUpTo(body, 1_000)]) {
      const { body, socket } = await begun('content-length: 10')
      socket.write('half')
      const reading = read(body)
      reading.catch(() => {})
      socket.destroy()
      await expect(reading).rejects.toThrow()
    }
  })

  test('error: a caller that left before its body was opened fails whoever opens it, who would wait for ever', async () => {
    for (const sent of ['half', '0123456789']) {
      const { body, socket, response } = await begun('content-length: 10')
      socket.write(sent)
      socket.destroy()
      await once(response, 'close')
      await expect(readAll(body)).rejects.toThrow('closed')
    }
  })

  test('error: whoever still reads when the answer is over is told so, and sent no more', async () => {
    const { body, response, socket } = await begun('content-length: 10')
    socket.write('half')
    const first = Promise.withResolvers<void>()
    const failed = Promise.withResolvers<unknown>()
    let pieces = 0
    body.open({
      write() {
        pieces += 1
        first.resolve()
        return false
      },
      end: () => failed.reject(new Error('It ended.')),
      fail: failed.resolve,
    })
    await first.promise
    response.end('no')
    expect(String(await failed.promise)).toContain('closed')
    socket.write('123456')
    await once(socket, 'data')
    expect(pieces).toBe(1)
  })

  test('behavior: what nobody reads does not keep the caller from its answer, nor its connection from the next call', async () => {
    const { response, socket, answer, message } = await begun('content-length: 10')
    response.end('no')
    expect(await answer()).toContain('200 OK')
    socket.write('0123456789')
    await once(message, 'end')
    expect(message.complete).toBe(true)
    expect(socket.destroyed).toBe(false)
  })

  test('error: who goes on sending after its answer is cut off, whether some of it was read or nothing', async () => {
    for (const some of [false, true]) {
      const { body, response, socket, answer } = await begun('transfer-encoding: chunked')
      socket.write('1\r\nx\r\n')
      if (some) {
        const first = Promise.withResolvers<void>()
        body.open({
          write() {
            first.resolve()
            return false
          },
          end() {},
          fail() {},
        })
        await first.promise
        body.cancel()
      }
      response.end('no')
      expect(await answer()).toContain('200 OK')
      const sending = setInterval(() => socket.write('1\r\nx\r\n'), 10)
      await new Promise<void>((resolve) => socket.once('close', () => resolve()))
      clearInterval(sending)
    }
  })
})
