import { connect } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { raw, request } from '../support/raw.ts'
import { type Sold, sell } from '../support/sold.ts'
import { offers } from '../support/wallet.ts'

/** Attacks 21, 25 and 26: headers. The promise: nothing that a stranger writes is taken for what we wrote, or stops us. */

let sold: Sold
beforeAll(async () => {
  sold = await sell(
    [
      { path: '/call', price: '0.01', description: 'Says "hi" \\ there' },
      { method: 'POST', path: '/call', price: '0.01' },
      { path: '/free', price: '0' },
      { path: '/status/:code', price: '0.01' },
      { method: 'POST', path: '/free', price: '0' },
    ],
    { override: { limits: { maxBodyBytes: 100_000, boundBodyBytes: 10_000 } } },
  )
})
afterAll(() => sold?.close())
afterEach(() => sold.upstream.forget())

const encode = (text: string) => Buffer.from(text, 'latin1').toString('base64')
const deep = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
const x402 = (accepted: string, extra = '') =>
  `payment-signature: ${encode(`{"x402Version":2,"accepted":{"scheme":"exact","network":"eip155:1","amount":"1","asset":"a","payTo":"b","maxTimeoutSeconds":1,"extra":${accepted}},"payload":{}${extra}}`)}`

const poisonous: [string, string[], number[]][] = [
  ['two Authorization headers', ['authorization: Payment abc', 'authorization: Payment def'], [400]],
  ['an MPP and an x402 credential', ['authorization: Payment abc', 'payment-signature: abc'], [400]],
  ['two x402 payloads', ['payment-signature: abc', 'payment-signature: def'], [400]],
  ['two sessions', [`authorization: Bearer ${'a'.repeat(43)}`, `farthing-session: ${'b'.repeat(43)}`], [400]],
  ['two comma-joined credentials', ['authorization: Payment abc, Payment def'], [400]],
  ['a credential of another scheme', ['authorization: Basic dXNlcjpwYXNz'], [400]],
  ['an empty credential', ['authorization: Payment '], [400]],
  ['a credential that is not base64', ['authorization: Payment %%%'], [402]],
  ['bad UTF-8', [`authorization: Payment ${encode('\xff\xfe{}')}`], [402]],
  ['bad UTF-8 in x402', [`payment-signature: ${encode('\xff\xfe{}')}`], [400]],
  [
    '__proto__',
    [`authorization: Payment ${encode('{"__proto__":{"x":1},"challenge":{},"payload":{}}')}`],
    [402],
  ],
  ['constructor', [`payment-signature: ${encode('{"constructor":{"prototype":{"x":1}}}')}`], [400]],
  ['JSON that is no object', [`authorization: Payment ${encode('[1]')}`], [402]],
  ['JSON of another shape', [`authorization: Payment ${encode('{"challenge":1,"payload":{}}')}`], [402]],
  ['deeply nested JSON', [`authorization: Payment ${encode(deep(6_000))}`], [402]],
  ['deeply nested terms', [x402(deep(5_000))], [400, 402]],
  ['a number beyond a double', [x402('{"x":1e999}')], [400, 402]],
  ['a lone surrogate', [x402('{"x":"\\ud800"}')], [400, 402]],
  ['a credential longer than is read', [`authorization: Payment ${'A'.repeat(20_000)}`], [402]],
  ['an Idempotency-Key with a space', ['idempotency-key: a b'], [400]],
  ['an Idempotency-Key of 1 kB', [`idempotency-key: ${'a'.repeat(1_000)}`], [400]],
  ['a session that does not exist', [`farthing-session: ${'a'.repeat(43)}`], [401]],
  ['a session that is no token', ["farthing-session: ' OR 1=1 --"], [401]],
  ['headers of 40 kB', [`x-long: ${'a'.repeat(40_000)}`], [431]],
  ['headers of 1 MB', [`authorization: Payment ${'A'.repeat(1_000_000)}`], [431]],
  ['ten thousand headers', Array.from({ length: 10_000 }, (_, index) => `x-${index}: 1`), [400, 431]],
  ['a control character', ['x-evil: a\x00b'], [400]],
  ['a bare line feed', ['x-evil: a\nauthorization: b'], [400, 402]],
]

describe('poisonous headers', () => {
  test.each(poisonous)(
    'error: %s is answered with our own problem, in bounded time',
    async (_what, headers, statuses) => {
      const answer = await raw(sold.gateway.url, request('GET /call HTTP/1.1', headers))
      expect(statuses).toContain(answer.status)
      expect(answer.headers.get('content-type')).toBe('application/problem+json')
      const problem = JSON.parse(answer.body) as Record<string, unknown>
      expect(problem).toMatchObject({
        status: answer.status,
        type: expect.stringMatching(/^https:/),
        code: expect.stringMatching(/^[a-z-]+$/),
      })
      // Nothing of what was sent comes back, and nothing of our own inside.
      expect(answer.body).not.toMatch(/AAAA|aaaa|node_modules|SyntaxError|ZodError|sqlite|at \w+ \(/)
      if (answer.status === 402) expect(answer.headers.get('www-authenticate')).toContain('Payment id=')
      expect(answer.milliseconds).toBeLessThan(5_000)
      expect(sold.upstream.seen).toEqual([])
    },
  )

  test('behavior: a request line or Host that cannot be read is a problem too', async () => {
    for (const bytes of [
      'NONSENSE\r\n\r\n',
      'GET / HTTP/9.9\r\n\r\n',
      'GET /call HTTP/1.1\r\nhost: a b\r\n\r\n',
      'GET /call HTTP/1.1\r\n\r\n',
    ]) {
      const answer = await raw(sold.gateway.url, bytes)
      expect(answer.status).toBe(400)
      expect(answer.body === '' || answer.headers.get('content-type') === 'application/problem+json').toBe(
        true,
      )
    }
  })
})

describe('forged headers', () => {
  test('error: what a caller says about itself does not reach the upstream; what pays does not either', async () => {
    const payer = await sold.payer()
    const { charge } = await offers(sold.url('/call'))
    const token = await payer.signIn(sold.gateway.url)
    const forged = {
      'x-farthing-wallet': '0xevil',
      X_Farthing_Wallet: '0xevil',
      'x-farthing-amount': '0',
      'x-farthing-anything': 'evil',
      'farthing-receipt': 'evil',
      'farthing-session': token,
      'x-forwarded-for': '1.2.3.4',
      'payment-receipt': 'evil',
      'x-payment': 'evil',
      cookie: `farthing_session=${token}; theme=dark`,
      'x-own': 'passes',
      connection: 'x-nominated',
    }
    const paid = await payer.charge(charge)
    const lines = Object.entries({ ...forged, ...paid }).map(([name, value]) => `${name}: ${value}`)
    const answer = await raw(sold.gateway.url, request('GET /call HTTP/1.1', [...lines, 'x-nominated: gone']))
    expect(answer.status).toBe(200)
    const [seen] = sold.upstream.seen
    const { host: _, ...headers } = seen?.headers ?? {}
    expect(headers).toEqual({
      connection: 'keep-alive',
      cookie: 'theme=dark',
      'x-own': 'passes',
      'x-farthing-wallet': payer.address,
      'x-farthing-call': expect.stringMatching(/^pay_/),
      'x-farthing-rail': 'charge',
      'x-farthing-amount': '10000',
    })
    expect(JSON.stringify(seen)).not.toContain(token)
  })

  test.each(['/free', '/call', '/status/404'])(
    'error: an upstream cannot speak for us in its answer to %s',
    async (path) => {
      sold.upstream.answerHeaders = {
        'farthing-receipt': 'forged',
        'farthing-replayed': 'true',
        'farthing-credited': '1000000',
        'x-farthing-wallet': 'forged',
        'payment-receipt': 'forged',
        'payment-response': 'forged',
        'payment-required': 'forged',
        'www-authenticate': 'Payment id="forged"',
        'set-cookie': ['farthing_session=forged', 'a=b'],
        'x-hono-already-sent': 'true',
        'x-own': 'passes',
      }
      const payer = await sold.payer()
      const paid = path === '/free' ? {} : await payer.charge((await offers(sold.url(path))).charge)
      sold.upstream.seen.length = 0
      const response = await fetch(sold.url(path), { headers: paid })
      expect(sold.upstream.seen).toHaveLength(1)
      expect(response.headers.get('x-own')).toBe('passes')
      expect(JSON.stringify([...response.headers])).not.toMatch(/forged|farthing-replayed|farthing-credited/)
    },
  )
})

describe('header injection', () => {
  test('behavior: a description with quotes and backslashes is carried whole and splits nothing', async () => {
    const { charge, session, x402: required } = await offers(sold.url('/call'))
    for (const { description } of [charge, session]) expect(description).toBe('Says "hi" \\ there')
    expect(required.resource.description).toBe('Says "hi" \\ there')
  })

  test.each(['a\r\nset-cookie: b', 'a\nb', 'em \u2014 dash', 'emoji \u{1f4b8}', 'nul\0'])(
    'error: a description of %j is refused at the start',
    async (description) => {
      const opening = sell([{ path: '/call', price: '0.01', description }], { chain: sold.chain })
      await expect(opening).rejects.toThrow(/routes\.0\.description: must be printable ASCII/)
    },
  )
})

describe('sizes and slowness', () => {
  test('error: a body larger than is forwarded is refused before it is paid for', async () => {
    for (const path of ['/call', '/free']) {
      const response = await fetch(sold.url(path), { method: 'POST', body: 'x'.repeat(100_001) })
      expect(response.status).toBe(413)
      expect(await response.json()).toMatchObject({ code: 'request-too-large' })
    }
    const chunked = `POST /free HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n${`8000\r\n${'x'.repeat(0x8000)}\r\n`.repeat(5)}0\r\n\r\n`
    const answer = await raw(sold.gateway.url, chunked)
    expect(answer.status).toBe(413)
    expect(sold.upstream.seen).toEqual([])
  })

  test('behavior: a body that is too long to be bound to its payment arrives whole, framed either way', async () => {
    const body = Array.from({ length: 8_000 }, (_, index) => `${index} `).join('')
    const payer = await sold.payer()
    for (const framing of ['in chunks', 'of a known length']) {
      const { charge } = await offers(sold.url('/call'), { method: 'POST', body })
      const sent = framing === 'in chunks' ? new Blob([body]).stream() : body
      const init = {
        method: 'POST',
        headers: await payer.charge(charge),
        body: sent,
        duplex: 'half' as const,
      }
      expect((await fetch(sold.url('/call'), init)).status, framing).toBe(200)
      expect(sold.upstream.seen.at(-1)?.body, framing).toBe(body)
    }
  })

  test('behavior: a caller that sends its headers one byte at a time holds nobody else up', async () => {
    const { hostname, port } = new URL(sold.gateway.url)
    const slow = Array.from({ length: 50 }, () => connect(Number(port), hostname))
    for (const socket of slow) {
      socket.on('error', () => {})
      socket.write('GET /free HTTP/1.1\r\nhost: x\r\nx-slow: ')
    }
    expect((await fetch(sold.url('/free'))).status).toBe(200)
    for (const socket of slow) socket.destroy()
  })
})
