import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import {
  UpstreamBrokenError,
  UpstreamBusyError,
  UpstreamTimeoutError,
  UpstreamUnreachableError,
} from '../../gateway/upstream/upstream-error.ts'
import { forwarderOf, text, upstreamOf } from './for-one-test.ts'
import { call, rawUpstream } from './raw-upstream.ts'

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
