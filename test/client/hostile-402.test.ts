import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createMemoryStore, createPayingFetch, PaymentRefusedError } from '../../client/index.ts'
import * as Challenge from '../../gateway/protocol/mpp/Challenge.ts'
import { type FakeGateway, startFakeGateway } from './support/fake-gateway.ts'
import { serve } from './support/serve.ts'
import { countingAccount } from './support/wallet.ts'

/** Attack 19: whatever a 402 says, nothing is signed outside the limits and pins. */

const other = '0x9999999999999999999999999999999999999999'
const limits = { perCall: 10_000n, perDay: 100_000n, perHost: 50_000n, deposit: 20_000n }
let gateway: FakeGateway

beforeEach(async () => {
  gateway = await startFakeGateway()
})
afterEach(() => gateway.close())

function client(options: Partial<createPayingFetch.Options> = {}) {
  const account = countingAccount()
  return {
    account,
    payingFetch: createPayingFetch({ account, limits, store: createMemoryStore(), ...options }),
  }
}

async function refusal(work: Promise<unknown>): Promise<PaymentRefusedError> {
  const error = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(PaymentRefusedError)
  return error as PaymentRefusedError
}

describe('a hostile 402', () => {
  const lies: Array<[string, (gateway: FakeGateway) => void, string]> = [
    ['a thousandfold price', ({ terms }) => Object.assign(terms, { price: 1_000_000n }), 'limits.perCall'],
    ['a look-alike token', ({ terms }) => Object.assign(terms, { token: other }), 'pins.tokens'],
    ['another chain', ({ terms }) => Object.assign(terms, { chainId: 1 }), 'pins.chainIds'],
    ['another payee', ({ terms }) => Object.assign(terms, { payee: other }), 'pins.payees'],
    [
      'another escrow',
      ({ terms }) => Object.assign(terms, { escrow: other, rails: ['channel'] }),
      'pins.escrows',
    ],
  ]

  test.each(lies)('error: %s after honest terms were seen, zero signatures', async (_name, lie, rule) => {
    const { account, payingFetch } = client()
    await payingFetch(gateway.url)
    const signed = account.signatures()
    lie(gateway)
    const error = await refusal(payingFetch(`${gateway.url}/other`))
    expect(error.rule).toBe(rule)
    expect(account.signatures()).toBe(signed)
  })

  test.each(lies.slice(1))(
    'error: %s against pins of the caller, zero signatures',
    async (_name, lie, rule) => {
      const { token, payee, escrow, chainId } = gateway.terms
      const pins = { tokens: [token], payees: [payee], escrows: [escrow], chainIds: [chainId] }
      lie(gateway)
      const { account, payingFetch } = client({ pins })
      expect((await refusal(payingFetch(gateway.url))).rule).toBe(rule)
      expect(account.signatures()).toBe(0)
    },
  )

  test('error: a cheap first offer and a dear one behind it, zero signatures for the dear one', async () => {
    gateway.terms.rails = ['channel']
    gateway.after = (response) => {
      const cheap = Challenge.create(
        {
          realm: 'x',
          method: 'evm',
          intent: 'charge',
          request: {
            amount: '1',
            currency: gateway.terms.token,
            recipient: gateway.terms.payee,
            methodDetails: { chainId: 31_337, credentialTypes: ['authorization'] },
          },
        },
        new Uint8Array(32),
      )
      const headers = new Headers(response.headers)
      const dear = headers.get('www-authenticate')
      headers.set('www-authenticate', `${Challenge.serialize(cheap)}, ${dear}`)
      return new Response(response.body, { status: response.status, headers })
    }
    gateway.terms.price = 5_000_000n
    const { account, payingFetch } = client({ rails: ['channel'] })
    await refusal(payingFetch(gateway.url))
    expect(account.signatures()).toBe(0)
  })

  test.each([
    ['a hundred challenges', { 'www-authenticate': challenges(100) }, 'too-many-offers'],
    ['huge headers', { 'www-authenticate': challenges(3, 'x'.repeat(40_000)) }, 'too-many-offers'],
    [
      'bad base64 in MPP',
      { 'www-authenticate': challenges(1).replace(/request="[^"]*"/, 'request="%%%"') },
      'no-offer',
    ],
    ['bad base64 in x402', { 'payment-required': '!!!not base64!!!' }, 'no-offer'],
    ['a prototype in x402', { 'payment-required': btoa('{"__proto__":{"x402Version":2}}') }, 'no-offer'],
    [
      'a foreign method',
      { 'www-authenticate': challenges(1).replace('method="evm"', 'method="card"') },
      'no-offer',
    ],
    [
      'an expired challenge',
      { 'www-authenticate': `${challenges(1)}, expires="2001-01-01T00:00:00Z"` },
      'no-offer',
    ],
  ])('error: %s, zero signatures', async (_name, headers, code) => {
    const { account } = client()
    const payingFetch = createPayingFetch({
      account,
      limits,
      fetch: async () => new Response('', { status: 402, headers: headers as Record<string, string> }),
    })
    expect((await refusal(payingFetch('https://shop.example/'))).code).toBe(code)
    expect(account.signatures()).toBe(0)
  })

  test('error: headers beyond what the platform reads are a network error, zero signatures', async () => {
    gateway.before = () =>
      new Response('', { status: 402, headers: { 'www-authenticate': 'x'.repeat(200_000) } })
    const { account, payingFetch } = client()
    await expect(payingFetch(gateway.url)).rejects.toThrow(TypeError)
    expect(account.signatures()).toBe(0)
  })

  test('error: plain HTTP to another machine, zero signatures', async () => {
    const { account } = client()
    const payingFetch = createPayingFetch({
      account,
      limits,
      fetch: async () => new Response('', { status: 402, headers: { 'www-authenticate': challenges(1) } }),
    })
    expect((await refusal(payingFetch('http://shop.example/'))).code).toBe('insecure-transport')
    expect(account.signatures()).toBe(0)
  })

  test('error: a gateway that denies channel after channel gets five deposits a day and no more', async () => {
    const { payingFetch } = client({ rails: ['channel'] })
    for (let call = 0; call < 5; call++) {
      await payingFetch(gateway.url)
      for (const channel of gateway.channels.values()) channel.finalized = true
    }
    expect((await refusal(payingFetch(gateway.url))).code).toBe('too-many-channels')
    expect(gateway.channels.size).toBe(5)
  })

  test('error: a gateway that claims to have been promised more is not believed', async () => {
    const { payingFetch } = client({ rails: ['channel'] })
    await payingFetch(gateway.url)
    for (const channel of gateway.channels.values())
      Object.assign(channel, { accepted: 19_000n, spent: 19_000n })
    expect((await payingFetch(gateway.url)).status).toBe(402)
    expect((await payingFetch(gateway.url)).status).toBe(402)
    // A refused call raises what can be taken by its price once, however often it is refused and repeated.
    expect(new Set(gateway.vouchers)).toEqual(new Set([1_000n, 2_000n]))
  })
})

describe('limits', () => {
  test('error: per call, zero signatures', async () => {
    const { account, payingFetch } = client({ limits: { perCall: 999n, perDay: 100_000n } })
    const error = await refusal(payingFetch(gateway.url))
    expect([error.code, error.rule, error.fix]).toEqual([
      'limit-per-call',
      'limits.perCall',
      'change limits.perCall if you agree to these terms.',
    ])
    expect(account.signatures()).toBe(0)
  })

  test.each([
    ['per host', { perCall: 1_000n, perDay: 100_000n, perHost: 2_500n }, 'limit-per-host'],
    ['per day', { perCall: 1_000n, perDay: 2_500n }, 'limit-per-day'],
  ])('error: %s, nothing is signed beyond it', async (_name, limits, code) => {
    const { account, payingFetch } = client({ limits, rails: ['charge'] })
    await payingFetch(gateway.url)
    await payingFetch(gateway.url)
    expect((await refusal(payingFetch(gateway.url))).code).toBe(code)
    expect(account.signatures()).toBe(2)
  })

  test('error: the day limit holds for calls at once', async () => {
    const { account, payingFetch } = client({
      limits: { perCall: 1_000n, perDay: 3_000n },
      rails: ['charge'],
    })
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => payingFetch(gateway.url)))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
    expect(account.signatures()).toBe(3)
  })

  test('behavior: the deposit is what the server suggests, at most the cap', async () => {
    const { payingFetch } = client()
    await payingFetch(gateway.url)
    expect([...gateway.channels.values()]).toMatchObject([{ deposit: 20_000n }])
  })

  test('error: a deposit is not topped up beyond its cap', async () => {
    gateway.terms.price = 1_000n
    gateway.terms.minVoucherDelta = 0n
    const { payingFetch } = client({
      limits: { perCall: 1_000n, perDay: 100_000n, deposit: 1_500n },
      rails: ['channel'],
    })
    await payingFetch(gateway.url)
    await payingFetch(gateway.url)
    expect([...gateway.channels.values()].every(({ deposit, spent }) => deposit - spent <= 1_500n)).toBe(true)
  })
})

describe('redirects (attack 20)', () => {
  test('error: a 402 of another origin behind a redirect is not paid', async () => {
    const lure = await serve(
      async () => new Response(null, { status: 307, headers: { location: gateway.url } }),
    )
    const { account, payingFetch } = client()
    expect((await refusal(payingFetch(lure.url))).code).toBe('redirected')
    expect(account.signatures()).toBe(0)
    await lure.close()
  })

  test('behavior: a redirect of the paid request is returned, and no credential leaves the origin', async () => {
    const caught: Headers[] = []
    const thief = await serve(async (request) => {
      caught.push(request.headers)
      return new Response('thanks')
    })
    gateway.before = (request) =>
      request.headers.has('authorization') || request.headers.has('payment-signature')
        ? new Response(null, { status: 307, headers: { location: thief.url } })
        : undefined
    for (const rails of [['channel'], ['charge']] as const)
      expect((await client({ rails }).payingFetch(gateway.url)).status).toBe(307)
    expect(caught).toEqual([])
    await thief.close()
  })
})

function challenges(count: number, description = ''): string {
  const request = {
    amount: '1',
    currency: other,
    recipient: other,
    methodDetails: { chainId: 1, credentialTypes: ['authorization'] },
  }
  const one = Challenge.create(
    { realm: 'x', method: 'evm', intent: 'charge', request, description },
    new Uint8Array(32),
  )
  return Array.from({ length: count }, () => Challenge.serialize(one)).join(', ')
}
