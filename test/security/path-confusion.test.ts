import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { raw, request } from '../support/raw.ts'
import { type Sold, sell } from '../support/sold.ts'

/**
 * Attack 1: two servers read one path differently. The promise: the path that is priced is the path that is served; no
 * spelling of a paid path reaches the upstream unpaid.
 */

let sold: Sold
beforeAll(async () => {
  sold = await sell([
    { path: '/paid', price: '0.01' },
    { path: '/paid/:id', price: '0.01' },
    { method: 'POST', path: '/paid', price: '0.01' },
    { path: '/free', price: '0' },
    { path: '/free/*', price: '0' },
  ])
})
afterAll(() => sold?.close())
afterEach(() => sold.upstream.forget())

/** Whatever reached the upstream can only have been free, by the path as the upstream reads it. */
function expectNothingPaidWasServed(): void {
  for (const { url } of sold.upstream.seen) {
    expect(url).toMatch(/^\/free/)
    expect(new URL(url, 'http://upstream').pathname).toMatch(/^\/free/)
  }
}

const spellings = [
  '//paid',
  '/./paid',
  '/free/../paid',
  '/free/..%2fpaid',
  '/free/%2e%2e/paid',
  '/free/%2E%2E%2Fpaid',
  '/free/%252e%252e/paid',
  '/free/..;/paid',
  '/free/..\\paid',
  '/free\\..\\paid',
  '/%70aid',
  '/%70%61%69%64',
  '/paid/',
  '/paid//x',
  '/paid%2f',
  '/paid%2Fx',
  '/paid%5cx',
  '/paid%00',
  '/paid%0a',
  '/paid;x=1',
  '/paid?x',
  '/paid#x',
  '/paid%23',
  '/paid%3f',
  '/PAID',
  '/Paid',
  '/pa%69d',
  '/%c0%afpaid',
  '/free/%c0%ae%c0%ae/paid',
  '/paid%',
  '/paid%zz',
  'paid',
  '*',
  'http://example.test/paid',
  'HTTP://EXAMPLE.TEST/paid',
  'http://127.0.0.1/free/../paid',
  '/\tpaid',
  '/paid\u00e9',
  '/farthing/../paid',
  '/farthing/%2e%2e/paid',
]
const methods = [
  'GET',
  'HEAD',
  'POST',
  'OPTIONS',
  'PUT',
  'DELETE',
  'PATCH',
  'get',
  'TRACE',
  'PROPFIND',
  'QUERY',
]

describe('path confusion', () => {
  test.each(spellings)('error: %s reaches no paid call, by any method', async (spelling) => {
    for (const method of methods) {
      const answer = await raw(
        sold.gateway.url,
        request(`${method} ${spelling} HTTP/1.1`, ['connection: close']),
      )
      // Whatever it is, it is not a served call, and it is said in our own words.
      if (sold.upstream.seen.length === 0) {
        expect([0, 204, 400, 402, 404, 405]).toContain(answer.status)
        if (answer.status >= 400 && method !== 'HEAD')
          expect(answer.headers.get('content-type')).toBe('application/problem+json')
      }
    }
    expectNothingPaidWasServed()
  })

  test('error: headers that name another path or method change neither', async () => {
    const overrides = [
      'x-original-url: /paid',
      'x-rewrite-url: /paid',
      'x-http-method-override: POST',
      'x-http-method: POST',
      'x-method-override: POST',
      'x-original-method: POST',
      'x-forwarded-uri: /paid',
      'x-forwarded-prefix: /paid',
      'forwarded: for=1.2.3.4;host=evil',
    ]
    const answer = await raw(sold.gateway.url, request('GET /free HTTP/1.1', overrides))
    expect(answer.status).toBe(200)
    const [seen] = sold.upstream.seen
    expect(seen).toMatchObject({ method: 'GET', url: '/free' })
    const names = Object.keys(seen?.headers ?? {})
    for (const override of overrides) expect(names).not.toContain(override.split(':', 1)[0])
  })

  test('behavior: HEAD costs what GET costs; other methods of a sold path are named and refused', async () => {
    const head = await fetch(sold.url('/paid'), { method: 'HEAD' })
    expect(head.status).toBe(402)
    const put = await fetch(sold.url('/paid'), { method: 'PUT' })
    expect(put.status).toBe(405)
    expect(put.headers.get('allow')).toBe('GET, HEAD, POST')
    const options = await fetch(sold.url('/paid'), { method: 'OPTIONS' })
    expect(options.status).toBe(405)
    expect(sold.upstream.seen).toEqual([])
  })

  test('error: a request smuggled behind a body is never read as one', async () => {
    const smuggled = 'GET /paid HTTP/1.1\r\nhost: x\r\n\r\n'
    const both = [
      `POST /free/x HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
      `POST /free/x HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ncontent-length: 5\r\n\r\n${smuggled}`,
      `POST /free/x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n${smuggled}`,
      `POST /free/x HTTP/1.1\r\nhost: x\r\ntransfer-encoding:\x0bchunked\r\n\r\n0\r\n\r\n${smuggled}`,
      `GET /free HTTP/1.1\r\nhost: x\r\nhost: y\r\nconnection: close\r\n\r\n`,
    ]
    for (const bytes of both) {
      const answer = await raw(sold.gateway.url, bytes)
      expect(answer.status).not.toBe(500)
    }
    expectNothingPaidWasServed()
  })
})
