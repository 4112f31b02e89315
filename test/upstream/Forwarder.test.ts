import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer as createTcpServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { UpstreamInvalidError } from '../../gateway/upstream/Forwarder.ts'
import { UpstreamBrokenError } from '../../gateway/upstream/upstream-error.ts'
import { cleanups, forwarderOf, text, upstreamOf } from './for-one-test.ts'
import { call, streamOf } from './raw-upstream.ts'

describe('forward', () => {
  test('default: returns status, headers, body and how it ended', async () => {
    const upstream = await upstreamOf((_, response) => response.writeHead(201, { 'x-a': '1' }).end('hello'))
    const response = await forwarderOf().forward(call(upstream.url))
    expect(response.status).toBe(201)
    expect(response.headers.get('x-a')).toBe('1')
    expect(await text(response.body)).toBe('hello')
    expect(await response.done).toEqual({ outcome: 'complete', bytes: 5, error: undefined })
  })

  test('default: the upstream sees exactly this request and nothing else', async () => {
    let seen = ''
    const server = createTcpServer((socket) =>
      socket
        .on('error', () => {})
        .on('data', (data) => {
          seen += data.toString('latin1')
          if (seen.endsWith('{"a":1}')) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
        }),
    )
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    cleanups.push(() => new Promise((resolve) => server.close(resolve)))
    const { port } = server.address() as AddressInfo
    const headers = new Headers({
      Host: 'gateway.example',
      Connection: 'close, X-Hop',
      'X-Hop': '1',
      Authorization: 'Payment secret',
      'Payment-Signature': 'secret',
      'X-Payment': 'secret',
      'X-Farthing-Wallet': '0xforged',
      X_Farthing_Wallet: '0xforged',
      'X-Forwarded-For': '1.2.3.4',
      Cookie: 'a=1; farthing_session=secret',
      'Content-Type': 'application/json',
      'Content-Length': '7',
      'Idempotency-Key': 'k1',
      Expect: '100-continue',
    })
    const response = await forwarderOf().forward(
      call(new URL(`http://127.0.0.1:${port}/base/`), {
        method: 'POST',
        path: '/v1/%252f/caf%C3%A9;v=1?q=a+b&next=%2F..%2f',
        headers,
        body: new TextEncoder().encode('{"a":1}'),
        set: { 'X-Farthing-Wallet': '0xabc', 'X-Farthing-Call': 'c1' },
      }),
    )
    expect(response.status).toBe(200)
    expect(seen.split('\r\n')).toEqual([
      'POST /base/v1/%252f/caf%C3%A9;v=1?q=a+b&next=%2F..%2f HTTP/1.1',
      `host: 127.0.0.1:${port}`,
      'connection: keep-alive',
      'content-type: application/json',
      'cookie: a=1',
      'idempotency-key: k1',
      'x-farthing-wallet: 0xabc',
      'x-farthing-call: c1',
      'content-length: 7',
      '',
      '{"a":1}',
    ])
  })

  test('behavior: connections are kept and used again, and their number is bounded', async () => {
    const upstream = await upstreamOf((_, response) => response.end('ok'))
    const forwarder = forwarderOf({ connections: 2 })
    for (let round = 0; round < 5; round += 1)
      await text((await forwarder.forward(call(upstream.url, { path: `/${round}` }))).body)
    expect(upstream.connections()).toBeLessThanOrEqual(2)
    await Promise.all(
      Array.from({ length: 20 }, async () => text((await forwarder.forward(call(upstream.url))).body)),
    )
    expect(upstream.connections()).toBe(2)
    expect(upstream.requests).toHaveLength(25)
  })

  test('behavior: HEAD, 204, 205, 304 and an empty answer have no body and end whole', async () => {
    const upstream = await upstreamOf((request, response) => {
      const status = Number(request.url?.slice(1))
      response
        .writeHead(status, status === 200 ? { 'content-length': request.method === 'HEAD' ? '99' : '0' } : {})
        .end()
    })
    const forwarder = forwarderOf()
    for (const [method, path] of [
      ['HEAD', '/200'],
      ['GET', '/200'],
      ['GET', '/204'],
      ['GET', '/205'],
      ['GET', '/304'],
    ] as const) {
      const response = await forwarder.forward(call(upstream.url, { method, path }))
      expect(response.body).toBeNull()
      expect((await response.done).outcome).toBe('complete')
      if (method === 'HEAD') expect(response.headers.get('content-length')).toBe('99')
      expect(() => new Response(null, { status: response.status })).not.toThrow()
    }
  })

  test('behavior: a redirect is passed on, never followed', async () => {
    const upstream = await upstreamOf((_, response) =>
      response.writeHead(302, { location: '/elsewhere' }).end(),
    )
    const response = await forwarderOf().forward(call(upstream.url))
    expect(response.status).toBe(302)
    expect(response.headers.get('location')).toBe('/elsewhere')
    expect(upstream.requests).toHaveLength(1)
  })

  test('behavior: informational answers are passed over', async () => {
    const upstream = await upstreamOf((_, response) => {
      response.writeProcessing()
      response.writeEarlyHints({ link: '</a.css>; rel=preload' })
      response.end('final')
    })
    const response = await forwarderOf().forward(call(upstream.url))
    expect([response.status, response.headers.get('link'), await text(response.body)]).toEqual([
      200,
      null,
      'final',
    ])
  })

  test('behavior: content coding is left alone', async () => {
    const upstream = await upstreamOf((_, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end('not gzip'),
    )
    const response = await forwarderOf().forward(call(upstream.url))
    expect([response.headers.get('content-encoding'), await text(response.body)]).toEqual([
      'gzip',
      'not gzip',
    ])
  })

  test('behavior: events reach the reader one by one, while the answer is still open', async () => {
    let next = () => {}
    const upstream = await upstreamOf((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      let event = 0
      next = () => (event === 3 ? response.end() : response.write(`data: ${++event}\n\n`))
      next()
    })
    const response = await forwarderOf().forward(call(upstream.url))
    const seen: string[] = []
    for await (const chunk of response.body ?? []) {
      seen.push(new TextDecoder().decode(chunk))
      next()
    }
    expect(seen).toEqual(['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n'])
    expect((await response.done).outcome).toBe('complete')
  })

  test('behavior: a body streams up, and its length is kept when it was declared', async () => {
    const upstream = await upstreamOf((request, response) => {
      request.pipe(response)
    })
    const forwarder = forwarderOf()
    for (const headers of [new Headers({ 'content-length': '9' }), new Headers()]) {
      const body = streamOf(['one', 'two', 'six'].map((part) => new TextEncoder().encode(part)))
      const response = await forwarder.forward(call(upstream.url, { method: 'POST', headers, body }))
      expect(await text(response.body)).toBe('onetwosix')
    }
    expect(
      upstream.requests.map(({ headers }) => [headers['content-length'], headers['transfer-encoding']]),
    ).toEqual([
      ['9', undefined],
      [undefined, 'chunked'],
    ])
  })

  test('behavior: the base path of the upstream is put before the path, which is not read again', async () => {
    const upstream = await upstreamOf((_, response) => response.end())
    const forwarder = forwarderOf()
    for (const base of ['', '/', '/api', '/api/'])
      await forwarder.forward(call(new URL(base, upstream.url), { path: '/a?b=/../c' }))
    expect(upstream.requests.map(({ url }) => url)).toEqual([
      '/a?b=/../c',
      '/a?b=/../c',
      '/api/a?b=/../c',
      '/api/a?b=/../c',
    ])
  })

  test('error: an upstream that is not a plain HTTP address is refused', async () => {
    for (const bad of ['ftp://h/', 'http://user:pw@h/', 'http://h/?a=1', 'http://h/#a'])
      await expect(forwarderOf().forward(call(new URL(bad)))).rejects.toThrow(UpstreamInvalidError)
  })
})

describe('attack: an answer for one caller reaches another (response queue poisoning)', () => {
  test('error: what an upstream sends beyond its answer is never taken for the next one', async () => {
    const upstream = await upstreamOf((request) => {
      const evil = 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil'
      request.socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood${evil}`)
    })
    const forwarder = forwarderOf({ connections: 1 })
    for (let round = 0; round < 5; round += 1) {
      const answer = await forwarder
        .forward(call(upstream.url))
        .then(({ body }) => text(body))
        .catch((error: unknown) => error)
      if (typeof answer === 'string') expect(answer).toBe('good')
      else expect(answer).toBeInstanceOf(UpstreamBrokenError)
    }
  })

  test('error: the body of an answer to HEAD is not taken for the next answer', async () => {
    const upstream = await upstreamOf((request) => {
      request.socket.write(
        `HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n${request.method === 'HEAD' ? 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil' : 'good'}`,
      )
    })
    const forwarder = forwarderOf({ connections: 1 })
    for (let round = 0; round < 5; round += 1) {
      await forwarder.forward(call(upstream.url, { method: 'HEAD' }))
      expect(await text((await forwarder.forward(call(upstream.url))).body)).toBe('good')
    }
  })
})
