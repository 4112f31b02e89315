import { describe, expect, test } from 'vitest'
import { RequestTooLargeError } from '../../gateway/upstream/request-body.ts'
import { fromStream } from '../../gateway/upstream/Source.ts'
import {
  CallerGoneError,
  RequestNotForwardableError,
  UpstreamBrokenError,
} from '../../gateway/upstream/upstream-error.ts'
import { forwarderOf, upstreamOf } from './for-one-test.ts'
import { call, streamOf } from './raw-upstream.ts'

describe('when the caller fails', () => {
  test('error: a body over the limit is 413: declared, nothing is sent; undeclared, it is cut at the limit', async () => {
    const upstream = await upstreamOf((request) => request.resume())
    const forwarder = forwarderOf()
    const body = () => fromStream(streamOf([new Uint8Array(60), new Uint8Array(60)]))
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
