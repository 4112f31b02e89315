import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer as createTcpServer } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { type createForwarder, UpstreamInvalidError } from '../../gateway/upstream/Forwarder.ts'
import { RequestTooLargeError } from '../../gateway/upstream/request-body.ts'
import {
  CallerGoneError,
  RequestNotForwardableError,
  UpstreamBrokenError,
  UpstreamBusyError,
  UpstreamTimeoutError,
  UpstreamUnreachableError,
} from '../../gateway/upstream/upstream-error.ts'
import { call, forwarderOf as makeForwarder, rawUpstream, streamOf } from './raw-upstream.ts'

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function upstreamOf(answer: Parameters<typeof rawUpstream>[0]) {
  const upstream = await rawUpstream(answer)
  cleanups.push(() => upstream.close())
  return upstream
}

function forwarderOf(limits: createForwarder.Options['limits'] = {}) {
  const forwarder = makeForwarder({ limits })
  cleanups.push(() => forwarder.destroy())
  return forwarder
}

const text = (body: ReadableStream<Uint8Array> | null) => new Response(body).text()

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

describe('back-pressure', () => {
  test('behavior: until the first read nothing is taken from the upstream; then no faster than it is read', async () => {
    const total = 64 * 1024 * 1024
    const block = Buffer.alloc(64 * 1024, 1)
    let written = 0
    let stalled = Promise.withResolvers<void>()
    const upstream = await upstreamOf((_, response) => {
      const push = () => {
        while (written < total) {
          written += block.byteLength
          if (!response.write(block)) {
            stalled.resolve()
            response.once('drain', push)
            return
          }
        }
        response.end()
      }
      push()
    })
    const response = await forwarderOf().forward(call(upstream.url))
    await stalled.promise
    // The kernel's socket buffers take a few megabytes; the rest waits in the upstream.
    expect(written).toBeLessThan(total / 4)
    stalled = Promise.withResolvers()

    let read = 0
    let most = 0
    for await (const chunk of response.body ?? []) {
      read += chunk.byteLength
      most = Math.max(most, written - read)
    }
    expect(read).toBe(total)
    expect(most).toBeLessThan(total / 4)
    expect(await response.done).toMatchObject({ outcome: 'complete', bytes: total })
  })

  test('behavior: a large body goes up no faster than the upstream reads it', async () => {
    const total = 64 * 1024 * 1024
    let pulled = 0
    const stalled = Promise.withResolvers<void>()
    let go = () => {}
    const upstream = await upstreamOf((request, response) => {
      go = () => {
        request.resume()
        request.on('end', () => response.end('got it'))
      }
    })
    let last = 0
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (pulled >= total) return controller.close()
        pulled += 65_536
        controller.enqueue(new Uint8Array(65_536))
      },
    })
    const answer = forwarderOf().forward(call(upstream.url, { method: 'PUT', body, maxRequestBytes: total }))
    const watch = setInterval(() => {
      if (pulled > 0 && pulled === last) stalled.resolve()
      last = pulled
    }, 100)
    await stalled.promise
    clearInterval(watch)
    expect(pulled).toBeLessThan(total / 4)
    go()
    expect(await text((await answer).body)).toBe('got it')
    expect(pulled).toBe(total)
  })
})

describe('when the upstream fails', () => {
  test('error: a refused connection is 502 and says nothing of the inside', async () => {
    const upstream = await rawUpstream(() => {})
    await upstream.close()
    const error = await forwarderOf()
      .forward(call(upstream.url))
      .catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(UpstreamUnreachableError)
    const { message, details, status } = error as UpstreamUnreachableError
    expect(status).toBe(502)
    expect(JSON.stringify({ message, details })).not.toMatch(/127\.0\.0\.1|ECONN|undici|\d{4,5}/)
  })

  test('error: a name that does not resolve is 502', async () => {
    await expect(forwarderOf().forward(call(new URL('http://no-such-host.invalid')))).rejects.toThrow(
      UpstreamUnreachableError,
    )
  })

  test('error: an answer that does not begin in time is 504 and frees the connection', async () => {
    const upstream = await upstreamOf(() => {})
    const forwarder = forwarderOf({ connections: 1 })
    await expect(forwarder.forward(call(upstream.url, { deadlineMs: 50 }))).rejects.toThrow(
      UpstreamTimeoutError,
    )
    const [socket] = upstream.sockets
    if (socket !== undefined) await once(socket, 'close')
    expect(upstream.sockets.size).toBe(0)
  })

  test('error: waiting for a free connection counts towards the deadline, and sends nothing', async () => {
    const upstream = await upstreamOf(() => {})
    const forwarder = forwarderOf({ connections: 1 })
    const first = forwarder.forward(call(upstream.url, { path: '/first' })).catch((reason: unknown) => reason)
    await expect(forwarder.forward(call(upstream.url, { path: '/second', deadlineMs: 50 }))).rejects.toThrow(
      UpstreamTimeoutError,
    )
    await forwarder.destroy()
    expect(await first).toBeInstanceOf(UpstreamBrokenError)
    expect(upstream.requests.map(({ url }) => url)).toEqual(['/first'])
  })

  test('error: a full queue is 503 at once', async () => {
    const upstream = await upstreamOf(() => {})
    const forwarder = forwarderOf({ connections: 1, queued: 1 })
    const waiting = [1, 2].map(() => forwarder.forward(call(upstream.url)).catch((reason: unknown) => reason))
    await expect(forwarder.forward(call(upstream.url))).rejects.toThrow(UpstreamBusyError)
    await forwarder.destroy()
    await Promise.all(waiting)
  })

  test('error: a connection closed before the answer is broken', async () => {
    const upstream = await upstreamOf((request) => request.socket.destroy())
    await expect(forwarderOf().forward(call(upstream.url))).rejects.toThrow(UpstreamBrokenError)
  })

  test('error: something that is not HTTP, or a status out of range, is broken', async () => {
    const upstream = await upstreamOf((request) =>
      request.socket.end(
        request.url === '/ssh' ? 'SSH-2.0-x\r\n' : 'HTTP/1.1 999 No\r\ncontent-length: 0\r\n\r\n',
      ),
    )
    for (const path of ['/ssh', '/999'])
      await expect(forwarderOf().forward(call(upstream.url, { path }))).rejects.toThrow(UpstreamBrokenError)
  })

  const cut: [string, string][] = [
    ['shorter than its content-length', 'content-length: 100\r\n\r\nten bytes.'],
    ['chunked without a last chunk', 'transfer-encoding: chunked\r\n\r\na\r\nten bytes.\r\n'],
    ['chunked with a broken chunk', 'transfer-encoding: chunked\r\n\r\na\r\nten bytes.zz\r\n'],
  ]
  for (const [name, rest] of cut)
    test(`error: an answer ${name} fails the reader and ends broken`, async () => {
      const upstream = await upstreamOf((request) => request.socket.end(`HTTP/1.1 200 OK\r\n${rest}`))
      const response = await forwarderOf().forward(call(upstream.url))
      await expect(text(response.body)).rejects.toThrow(UpstreamBrokenError)
      expect(await response.done).toMatchObject({ outcome: 'broken', error: expect.any(UpstreamBrokenError) })
    })

  test('error: a connection reset in the middle of the body fails the reader and ends broken', async () => {
    const upstream = await upstreamOf((request, response) => {
      response.writeHead(200)
      response.write('part')
      request.socket.once('drain', () => {})
    })
    const response = await forwarderOf().forward(call(upstream.url))
    const reader = response.body?.getReader()
    await reader?.read()
    for (const socket of upstream.sockets) socket.resetAndDestroy()
    await expect(reader?.read()).rejects.toThrow(UpstreamBrokenError)
    expect((await response.done).outcome).toBe('broken')
  })

  test('error: a reset while nobody reads is known without a read', async () => {
    const upstream = await upstreamOf((_, response) => response.writeHead(200).write('part'))
    const response = await forwarderOf().forward(call(upstream.url))
    for (const socket of upstream.sockets) socket.resetAndDestroy()
    expect((await response.done).outcome).toBe('broken')
    await expect(text(response.body)).rejects.toThrow(UpstreamBrokenError)
  })

  test('error: a pause longer than idleMs fails the reader with 504', async () => {
    const upstream = await upstreamOf((_, response) => response.writeHead(200).write('part'))
    const response = await forwarderOf().forward(call(upstream.url, { idleMs: 100 }))
    await expect(text(response.body)).rejects.toThrow(UpstreamTimeoutError)
    expect((await response.done).outcome).toBe('broken')
  })

  test('behavior: the time in which the gateway holds the answer back is not the upstream’s pause', async () => {
    const upstream = await upstreamOf((_, response) => response.writeHead(200).end('held'))
    const response = await forwarderOf().forward(call(upstream.url, { idleMs: 50 }))
    // The client stack’s timers tick every half second: nothing but time itself can show that none fires.
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect(await text(response.body)).toBe('held')
  })
})

describe('when the caller fails', () => {
  test('error: a body over the limit is 413: declared, nothing is sent; undeclared, it is cut at the limit', async () => {
    const upstream = await upstreamOf((request) => request.resume())
    const forwarder = forwarderOf()
    const body = () => streamOf([new Uint8Array(60), new Uint8Array(60)])
    const request = call(upstream.url, { method: 'POST', maxRequestBytes: 100 })
    const headers = ['content-length', '120']
    await expect(forwarder.forward({ ...request, headers, body: body() })).rejects.toThrow(
      RequestTooLargeError,
    )
    await expect(forwarder.forward({ ...request, body: new Uint8Array(101) })).rejects.toThrow(
      RequestTooLargeError,
    )
    expect(upstream.requests).toHaveLength(0)
    await expect(forwarder.forward({ ...request, body: body() })).rejects.toThrow(RequestTooLargeError)
  })

  test('error: a body that is not as long as it declares is 400', async () => {
    const upstream = await upstreamOf((request) => request.resume())
    for (const declared of ['3', '30']) {
      const body = streamOf([new Uint8Array(10)])
      const headers = new Headers({ 'content-length': declared })
      await expect(
        forwarderOf().forward(call(upstream.url, { method: 'POST', headers, body })),
      ).rejects.toThrow(RequestNotForwardableError)
    }
  })

  test('error: a body that breaks off is the caller’s fault, and the upstream sees an abort, not an end', async () => {
    const aborted = Promise.withResolvers<void>()
    const upstream = await upstreamOf((request) => {
      request.resume()
      request.on('error', () => {})
      request.on('aborted', () => aborted.resolve())
    })
    let pulls = 0
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          pulls += 1
          if (pulls === 1) controller.enqueue(new Uint8Array(10))
          else controller.error(new Error('socket hang up'))
        },
      },
      { highWaterMark: 0 },
    )
    await expect(forwarderOf().forward(call(upstream.url, { method: 'POST', body }))).rejects.toThrow(
      CallerGoneError,
    )
    expect(upstream.requests.length).toBeLessThanOrEqual(1)
    if (upstream.requests.length === 1) await aborted.promise
  })

  test('behavior: an abort before the answer cancels the upstream', async () => {
    const closed = Promise.withResolvers<void>()
    const controller = new AbortController()
    const upstream = await upstreamOf((request) => {
      request.socket.on('close', () => closed.resolve())
      controller.abort()
    })
    await expect(forwarderOf().forward(call(upstream.url, { signal: controller.signal }))).rejects.toThrow(
      CallerGoneError,
    )
    await closed.promise
  })

  test('behavior: an abort that came first sends nothing', async () => {
    const upstream = await upstreamOf((_, response) => response.end())
    await expect(forwarderOf().forward(call(upstream.url, { signal: AbortSignal.abort() }))).rejects.toThrow(
      CallerGoneError,
    )
    expect(upstream.connections()).toBe(0)
  })

  test('behavior: a reader that leaves, a signal, and cancel each cancel the upstream in the middle of the body', async () => {
    for (const how of ['reader', 'signal', 'cancel'] as const) {
      const closed = Promise.withResolvers<void>()
      const upstream = await upstreamOf((request, response) => {
        request.socket.on('close', () => closed.resolve())
        response.writeHead(200).write('part')
      })
      const controller = new AbortController()
      const response = await forwarderOf().forward(call(upstream.url, { signal: controller.signal }))
      const reader = response.body?.getReader()
      await reader?.read()
      if (how === 'reader') await reader?.cancel()
      else if (how === 'signal') controller.abort()
      else response.cancel()
      await closed.promise
      expect((await response.done).outcome).toBe('cancelled')
    }
  })

  test('behavior: an upload stops when the upstream has gone', async () => {
    const cancelled = Promise.withResolvers<void>()
    const upstream = await upstreamOf((request) => request.socket.destroy())
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new Uint8Array(10)),
      cancel: () => cancelled.resolve(),
    })
    await expect(forwarderOf().forward(call(upstream.url, { method: 'POST', body }))).rejects.toThrow(
      UpstreamBrokenError,
    )
    await cancelled.promise
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
