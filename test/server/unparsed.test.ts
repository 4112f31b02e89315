import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { type LocalChain, startChain } from '../support/chain.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { raw, request } from '../support/raw.ts'
import { type RecordingUpstream, recordingUpstream } from '../support/recording-upstream.ts'

/** Bytes that are no HTTP request, on a connection on which nothing, something or no longer anything is answered. */

let chain: LocalChain
let upstream: RecordingUpstream
let gateway: TestGateway
beforeAll(async () => {
  chain = await startChain()
  upstream = await recordingUpstream()
  gateway = await startGateway({ chain, routes: [{ path: '/free', price: '0', upstream: upstream.url }] })
}, 60_000)
afterEach(() => {
  upstream.onRequest = () => {}
  upstream.forget()
})
afterAll(async () => {
  await gateway?.end()
  await upstream?.close()
  await chain?.close()
})

const garbage = 'this is no request\r\n\r\n'
const call = request('GET /free HTTP/1.1')

/** A connection, and everything that it was told. */
async function open(): Promise<{ socket: Socket; told(): string; closed: Promise<unknown> }> {
  const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1')
  await once(socket, 'connect')
  let told = ''
  socket.setEncoding('latin1').on('data', (chunk) => {
    told += chunk
  })
  socket.on('error', () => {})
  return { socket, told: () => told, closed: once(socket, 'close') }
}
const answers = (text: string) => text.match(/HTTP\/1\.1 \d{3}/g) ?? []

describe('bytes that are no request', () => {
  test('default: are answered by a problem document, and the connection ends', async () => {
    const answer = await raw(gateway.url, garbage)
    expect(answer.status).toBe(400)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'request-unreadable' })
  })

  test('error: a header block above the limit is told so', async () => {
    const answer = await raw(gateway.url, request('GET /free HTTP/1.1', [`x-long: ${'a'.repeat(40_000)}`]))
    expect(answer.status).toBe(431)
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'headers-too-large' })
  })

  test('behavior: after an answer is over they are answered too (a connection is not busy for ever)', async () => {
    const { socket, told, closed } = await open()
    socket.write(call)
    await vi.waitFor(() => expect(answers(told())).toEqual(['HTTP/1.1 200']))
    socket.write(garbage)
    await closed
    expect(answers(told())).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400'])
  })

  test('attack: while an answer is under way they break the connection off, and are not answered (a second answer would be taken for the first)', async () => {
    const gate = Promise.withResolvers<void>()
    upstream.onRequest = () => gate.promise
    const { socket, told, closed } = await open()
    socket.write(call)
    await vi.waitFor(() => expect(upstream.seen).toHaveLength(1))
    socket.write(garbage)
    await closed
    gate.resolve()
    expect(answers(told())).toEqual([])
  })
})
