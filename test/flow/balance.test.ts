import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import * as SignedReceipt from '../../gateway/protocol/SignedReceipt.ts'
import { type Sold, sell } from '../support/sold.ts'
import { offers } from '../support/wallet.ts'

/** Credit of a wallet, topped up once and spent by a session. The promise: a balance buys what it is worth, and no more. */

let sold: Sold
beforeAll(async () => {
  sold = await sell([
    { path: '/call/*', price: '0.01', rails: ['balance', 'charge'] },
    { path: '/status/:code', price: '0.01' },
    { path: '/broken', price: '0.01' },
  ])
})
afterAll(() => sold?.close())
afterEach(() => sold.upstream.forget())

async function signedIn(topUp = '0.1') {
  const payer = await sold.payer()
  if (topUp !== '0') expect((await payer.topUp(sold.gateway.url, topUp)).status).toBe(200)
  const token = await payer.signIn(sold.gateway.url)
  const headers = { authorization: `Bearer ${token}` }
  const available = async () => {
    const response = await fetch(sold.url('/farthing/balance'), { headers })
    const { balances } = (await response.json()) as { balances: { available: string }[] }
    return balances[0]?.available
  }
  return { payer, token, headers, available }
}

describe('balance', () => {
  test('default: is topped up by a paid call and spent by a bearer session, with a receipt', async () => {
    const { payer, headers, available } = await signedIn('0.1')
    expect(await available()).toBe('100000')
    const response = await fetch(sold.url('/call/a'), { headers })
    expect(response.status).toBe(200)
    const receipt = await SignedReceipt.verify(
      response.headers.get('farthing-receipt') ?? '',
      sold.gateway.deps.keys.receipt.publicKey,
    )
    expect(receipt).toMatchObject({ rail: 'balance', sub: payer.address, amount: 10_000n })
    expect(await available()).toBe('90000')
    expect(sold.upstream.seen[0]?.headers).toMatchObject({ 'x-farthing-rail': 'balance' })
  })

  test('behavior: the top-up says what was credited, and credits the wallet that paid, whoever is signed in', async () => {
    const other = await signedIn('0')
    const payer = await sold.payer()
    const url = sold.url('/farthing/balance/top-up?amount=2.5')
    const { charge, problem } = await offers(url, { method: 'POST' })
    expect(problem).toMatchObject({ price: { amount: '2500000', formatted: '2.5' } })
    const headers = { ...(await payer.charge(charge)), 'farthing-session': other.token }
    const response = await fetch(url, { method: 'POST', headers })
    expect(await response.json()).toMatchObject({
      credited: '2500000',
      wallet: payer.address,
      balances: [{ available: '2500000' }, { available: '0' }],
    })
    expect(await other.available()).toBe('0')
    const again = await fetch(url, { method: 'POST', headers })
    expect(again.headers.get('farthing-replayed')).toBe('true')
  })

  test.each([
    '',
    '?amount=',
    '?amount=0',
    '?amount=-1',
    '?amount=1e3',
    '?amount=0.0000001',
    '?amount=1&amount=2',
    `?amount=${'9'.repeat(60)}`,
  ])('error: a top-up of %j is refused before it is paid', async (query) => {
    const response = await fetch(sold.url(`/farthing/balance/top-up${query}`), { method: 'POST' })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ code: 'amount-unusable' })
  })

  test('error: too little is a 402 that says what is left and offers every rail', async () => {
    const { headers } = await signedIn('0.009999')
    const response = await fetch(sold.url('/call/a'), { headers })
    expect(response.status).toBe(402)
    expect(response.headers.get('www-authenticate')).toContain('intent="charge"')
    expect(await response.json()).toMatchObject({
      code: 'payment-required',
      reason: 'insufficient-balance',
      available: '9999',
    })
    expect(sold.upstream.seen).toEqual([])
  })

  test('error: fifty calls at once on a balance for ten serve exactly ten', async () => {
    const { headers, available } = await signedIn('0.1')
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => fetch(sold.url(`/call/${index}`), { headers })),
    )
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(10)
    expect(answers.filter(({ status }) => status === 402)).toHaveLength(40)
    expect(sold.upstream.seen).toHaveLength(10)
    expect(await available()).toBe('0')
  })

  test('behavior: a failed call gives the hold back; a stream that breaks gives the charge back', async () => {
    const { headers, available } = await signedIn('0.01')
    for (const path of ['/status/500', '/status/404', '/broken'])
      await (await fetch(sold.url(path), { headers })).text().catch(() => '')
    await expect.poll(available).toBe('10000')
    expect((await fetch(sold.url('/call/a'), { headers })).status).toBe(200)
  })

  test('behavior: a session ends when it is told to', async () => {
    const { headers } = await signedIn('0.1')
    expect((await fetch(sold.url('/farthing/sign-in'), { method: 'DELETE', headers })).status).toBe(204)
    const response = await fetch(sold.url('/call/a'), { headers })
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toBe('Bearer')
    expect(await response.json()).toMatchObject({ code: 'session-invalid' })
    expect(sold.upstream.seen).toEqual([])
  })

  test('behavior: in the end books and chain agree', async () => {
    expect(await sold.audit()).toBe('All holds.')
  })
})
