import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { plainRequest } from '../../gateway/plain-request.ts'
import type { Incoming } from '../../gateway/request/Incoming.ts'
import { raw, request } from '../support/raw.ts'

/** A real server that remembers what became of the last request. */
let server: Server
let origin = ''
let last: Incoming | null = null
let hold = false
let arrived = Promise.withResolvers<void>()
beforeAll(async () => {
  server = createServer((message, response) => {
    last = plainRequest(message, response)
    arrived.resolve()
    if (!hold) response.end('seen')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

async function seen(line: string, headers: string[] = [], body = ''): Promise<Incoming | null> {
  last = null
  expect((await raw(origin, request(line, headers, body))).body).toBe('seen')
  return last
}

describe('plainRequest', () => {
  test('default: an everyday request goes to the pipeline as it came', async () => {
    const incoming = await seen('GET /v1.0/weather/new-york?day=a%20b HTTP/1.1', ['X-A: 1', 'x-a: 2'])
    expect(incoming).toMatchObject({ method: 'GET', target: '/v1.0/weather/new-york?day=a%20b', body: null })
    expect(incoming?.fields.slice(-4)).toEqual(['X-A', '1', 'x-a', '2'])
    expect(incoming?.url).toBe('http://example.test/v1.0/weather/new-york?day=a%20b')
    expect(incoming?.gone.aborted).toBe(false)
  })

  test('behavior: a route that only begins like ours is no endpoint of ours', async () => {
    for (const path of ['/farthings', '/farthing-x/y', '/a/farthing'])
      expect(await seen(`GET ${path} HTTP/1.1`), path).not.toBe(null)
  })

  const odd = [
    ...['/farthing', '/farthing/', '/farthing/balance', '/farthing?x=1'],
    ...['/%66arthing', '/a%2fb', '/a/../farthing', '/./farthing', '/a/.b', '//farthing', '/a//b', '/a/', '/'],
    ...['/a;b', '/a\\b', '/a?b\\c', '/a#b', '/a?b#c', '*', 'http://example.test/a'],
  ]
  for (const target of odd)
    test(`behavior: ${target} goes through the app`, async () => {
      expect(await seen(`${target === '*' ? 'OPTIONS' : 'GET'} ${target} HTTP/1.1`)).toBe(null)
    })

  test('behavior: a body comes with the methods that have one', async () => {
    for (const method of ['DELETE', 'PATCH', 'POST', 'PUT']) {
      expect((await seen(`${method} /a HTTP/1.1`, [], 'x'))?.body, method).not.toBe(null)
      expect(await seen(`${method} /a HTTP/1.1`), method).toMatchObject({ body: null })
    }
  })

  test('behavior: a body where none belongs, another method or two hosts go through the app', async () => {
    for (const method of ['GET', 'OPTIONS']) expect(await seen(`${method} /a HTTP/1.1`, [], 'x')).toBe(null)
    expect(await seen('TRACE /a HTTP/1.1')).toBe(null)
    expect(await seen('GET /a HTTP/1.1', ['Host: other.test'])).toBe(null)
  })

  test('behavior: whoever hangs up has gone', async () => {
    hold = true
    arrived = Promise.withResolvers()
    const socket = connect(Number(new URL(origin).port), '127.0.0.1')
    socket.write(request('GET /a HTTP/1.1'))
    await arrived.promise
    hold = false
    const gone = new Promise<void>((resolve) => last?.gone.addEventListener('abort', resolve))
    socket.destroy()
    await gone
    expect(last?.gone.aborted).toBe(true)
  })
})
