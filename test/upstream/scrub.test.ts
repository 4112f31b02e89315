import { describe, expect, test } from 'vitest'
import * as Fields from '../../gateway/upstream/Fields.ts'
import { privateCacheControl, requestHeaders, responseHeaders } from '../../gateway/upstream/scrub.ts'

const names = (flat: string[]) => flat.filter((_, index) => index % 2 === 0)
const up = (headers: Record<string, string>, set: Record<string, string> = {}) => {
  const flat = requestHeaders(Object.entries(headers).flat(), { set })
  return Object.fromEntries(names(flat).map((name, index) => [name, flat[2 * index + 1]]))
}
const down = (headers: Record<string, string | string[]>, paid = true) => {
  const result = responseHeaders(headers, { paid })
  return {
    headers: Object.fromEntries(Fields.toHeaders(result.headers)),
    withheld: Object.fromEntries(Fields.toHeaders(result.withheld)),
  }
}

describe('requestHeaders', () => {
  test('default: what the caller says about the call passes', () => {
    const headers = {
      accept: 'application/json',
      'accept-encoding': 'br',
      'content-type': 'text/plain',
      'idempotency-key': 'k1',
      'if-none-match': '"x"',
      origin: 'https://app.example',
      range: 'bytes=0-9',
      'user-agent': 'curl',
    }
    expect(up(headers)).toEqual(headers)
  })

  test('behavior: the gateway’s own headers are added, and win over the caller’s', () => {
    expect(
      up(
        { 'x-api-key': 'stolen', a: '1' },
        { 'X-Farthing-Wallet': '0xabc', 'X-API-Key': 'ours', Authorization: 'Bearer op' },
      ),
    ).toEqual({
      a: '1',
      'x-farthing-wallet': '0xabc',
      'x-api-key': 'ours',
      authorization: 'Bearer op',
    })
  })

  test('behavior: hop-by-hop headers stop here, with those that Connection names', () => {
    expect(
      up({
        connection: 'keep-alive, X-Secret',
        'x-secret': 's',
        'keep-alive': 'timeout=5',
        te: 'trailers',
        trailer: 'x',
        upgrade: 'h2c',
        'proxy-authorization': 'Basic x',
        'proxy-connection': 'close',
        'transfer-encoding': 'chunked',
        expect: '100-continue',
        'http2-settings': 'x',
        'content-length': '5',
        b: '2',
      }),
    ).toEqual({ b: '2' })
  })

  test('behavior: only the session is taken out of the cookies', () => {
    expect(up({ cookie: 'a=1; farthing_session=secret; b=2' })).toEqual({ cookie: 'a=1; b=2' })
    expect(up({ cookie: 'farthing_session=secret' })).toEqual({})
    expect(up({ cookie: 'Farthing_Session = secret;;' })).toEqual({})
  })
})

describe('attack: forged identity (the upstream believes x-farthing-* because no caller can send it)', () => {
  const forged = [
    'X-Farthing-Wallet',
    'x-farthing-amount',
    'X_Farthing_Wallet',
    'x-farthing_rail',
    'X-Forwarded-For',
    'X-Forwarded-Host',
    'X_Forwarded_For',
    'Forwarded',
    'X-Real-IP',
    'X_Real_IP',
    'Via',
    'Host',
    'True-Client-IP',
  ]
  for (const name of forged)
    test(`error: ${name} does not pass`, () => expect(up({ [name]: 'x' })).toEqual({}))

  test('error: Connection cannot strip what the gateway sets', () => {
    expect(up({ connection: 'x-farthing-wallet' }, { 'x-farthing-wallet': '0xabc' })).toEqual({
      'x-farthing-wallet': '0xabc',
    })
  })
})

describe('attack: credential theft by the upstream (a credential is seen by the gateway alone)', () => {
  for (const name of [
    'Authorization',
    'PAYMENT-SIGNATURE',
    'X-PAYMENT',
    'Accept-Payment',
    'SIGN-IN-WITH-X',
    'Payment-Authorization',
    'Farthing-Session',
    'farthing_session',
    'payment_signature',
    'Proxy-Authorization',
  ])
    test(`error: ${name} does not pass`, () => expect(up({ [name]: 'secret' })).toEqual({}))
})

describe('attack: method and path override (the call that was paid is the call that is made)', () => {
  for (const name of [
    'X-HTTP-Method-Override',
    'X-HTTP-Method',
    'X-Method-Override',
    'X_HTTP_Method_Override',
    'X-Original-URL',
    'X-Rewrite-URL',
  ])
    test(`error: ${name} does not pass`, () => expect(up({ [name]: 'DELETE' })).toEqual({}))
})

describe('responseHeaders', () => {
  test('default: what the upstream says about its answer passes; a paid answer is private', () => {
    const headers = {
      'content-type': 'application/json',
      'content-encoding': 'br',
      'content-length': '9',
      etag: '"x"',
      location: '/y',
      vary: 'accept',
    }
    expect(down(headers).headers).toEqual({ ...headers, 'cache-control': 'private' })
    expect(down(headers, false).headers).toEqual(headers)
  })

  test('behavior: a repeated field stays a list', () => {
    expect(down({ link: ['<a>', '<b>'] }, false).headers).toEqual({ link: '<a>, <b>' })
  })

  test('behavior: X-Farthing-* of the upstream is for the gateway alone', () => {
    expect(down({ 'x-farthing-units': '7', a: '1' }, false)).toEqual({
      headers: { a: '1' },
      withheld: { 'x-farthing-units': '7' },
    })
  })

  test('behavior: __proto__ is a header like any other', () => {
    const upstream = JSON.parse('{"__proto__": "x", "a": "1"}') as Record<string, string>
    expect(names(responseHeaders(upstream, { paid: false }).headers)).toEqual(['__proto__', 'a'])
  })
})

describe('attack: the upstream speaks as the gateway (payment words on the wire are ours)', () => {
  for (const name of [
    'payment-required',
    'payment-response',
    'x-payment-response',
    'payment-receipt',
    'farthing-receipt',
    'farthing-payment',
    'set-cookie',
    'alt-svc',
    'clear-site-data',
    'settlement-overrides',
    'x-accel-redirect',
    'x-sendfile',
    'authentication-info',
    'connection',
    'keep-alive',
    'transfer-encoding',
    'trailer',
    'upgrade',
    'proxy-authenticate',
  ])
    test(`error: ${name} does not return`, () => expect(down({ [name]: 'x' }, false).headers).toEqual({}))

  test('error: a Payment challenge does not return, in any place of the list; another scheme does', () => {
    for (const value of ['Payment id="x"', 'payment', 'Basic realm="a", Payment id="x"'])
      expect(down({ 'www-authenticate': value }, false).headers).toEqual({})
    expect(down({ 'www-authenticate': ['Basic realm="a"', 'PAYMENT id="x"'] }, false).headers).toEqual({})
    expect(down({ 'www-authenticate': 'Basic realm="a"' }, false).headers).toEqual({
      'www-authenticate': 'Basic realm="a"',
    })
  })

  test('error: a header named by Connection does not return', () => {
    expect(down({ connection: 'X-Hop', 'x-hop': '1' }, false).headers).toEqual({})
  })
})

describe('attack: a shared cache serves a paid answer (it belongs to its payer)', () => {
  const cases: [string | null, string][] = [
    [null, 'private'],
    ['public, max-age=60', 'private, max-age=60'],
    ['s-maxage=600', 'private'],
    ['public', 'private'],
    ['max-age=60, must-revalidate', 'private, max-age=60, must-revalidate'],
    ['no-store', 'no-store'],
    ['public, no-store', 'no-store'],
    ['private, max-age=5', 'private, max-age=5'],
    ['Private', 'Private'],
    ['private="set-cookie", max-age=5', 'private, max-age=5'],
    ['no-cache="a, private"', 'private, no-cache="a, private"'],
    ['PUBLIC , S-MaxAge=5', 'private'],
  ]
  for (const [value, expected] of cases)
    test(`behavior: ${value ?? 'nothing'} becomes ${expected}`, () =>
      expect(privateCacheControl(value)).toBe(expected))

  test('error: headers that overrule Cache-Control in a proxy do not return', () => {
    for (const name of [
      'surrogate-control',
      'cdn-cache-control',
      'cloudflare-cdn-cache-control',
      'x-accel-expires',
    ])
      expect(down({ [name]: 'max-age=600' }).headers).toEqual({ 'cache-control': 'private' })
  })
})
