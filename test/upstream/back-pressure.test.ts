import { describe, expect, test } from 'vitest'
import { forwarderOf, text, upstreamOf } from './for-one-test.ts'
import { call } from './raw-upstream.ts'

describe('back-pressure', () => {
  test.each([{ framing: 'in chunks' }, { framing: 'of a known length' }])(
    'behavior: of a body $framing nothing is taken until the first read; then no faster than it is read',
    async ({ framing }) => {
      const total = 64 * 1024 * 1024
      const block = Buffer.alloc(64 * 1024, 1)
      let written = 0
      const upstream = await upstreamOf((_, response) => {
        const push = () => {
          while (written < total) {
            written += block.byteLength
            if (!response.write(block)) {
              response.once('drain', push)
              return
            }
          }
          response.end()
        }
        if (framing !== 'in chunks') response.setHeader('content-length', total)
        push()
      })
      const response = await forwarderOf().forward(call(upstream.url))
      // The kernel's socket buffers take a few megabytes; the rest waits in the upstream.
      expect(await standstill(() => written)).toBeLessThan(total / 4)

      let read = 0
      let most = 0
      for await (const chunk of response.body ?? []) {
        // An empty piece is one that comes again and again: a connection that runs in circles and takes all memory.
        expect(chunk.byteLength).toBeGreaterThan(0)
        read += chunk.byteLength
        most = Math.max(most, written - read)
      }
      expect(read).toBe(total)
      expect(most).toBeLessThan(total / 4)
      expect(await response.done).toMatchObject({ outcome: 'complete', bytes: total })
    },
  )

  test('behavior: a large body goes up no faster than the upstream reads it', async () => {
    const total = 64 * 1024 * 1024
    let pulled = 0
    let go = () => {}
    const upstream = await upstreamOf((request, response) => {
      go = () => {
        request.resume()
        request.on('end', () => response.end('got it'))
      }
    })
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (pulled >= total) return controller.close()
        pulled += 65_536
        controller.enqueue(new Uint8Array(65_536))
      },
    })
    const answer = forwarderOf().forward(call(upstream.url, { method: 'PUT', body, maxRequestBytes: total }))
    expect(await standstill(() => pulled)).toBeLessThan(total / 4)
    go()
    expect(await text((await answer).body)).toBe('got it')
    expect(pulled).toBe(total)
  })
})

/** What a count has come to when it is the same at two looks. */
function standstill(count: () => number): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>()
  let last = 0
  const watch = setInterval(() => {
    const now = count()
    if (now > 0 && now === last) resolve(now)
    last = now
  }, 100)
  return promise.finally(() => clearInterval(watch))
}
