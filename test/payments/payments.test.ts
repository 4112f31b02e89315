import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { statusOf } from '../../gateway/endpoints/payments.ts'
import { MalformedError } from '../../gateway/protocol/Encoding.ts'
import * as PaymentStatus from '../../gateway/protocol/PaymentStatus.ts'
import * as SignedReceipt from '../../gateway/protocol/SignedReceipt.ts'
import { type Sold, sell } from '../support/sold.ts'
import { offers, random32 } from '../support/wallet.ts'

/** Whoever paid can always learn what became of it; whoever guesses learns nothing. */

let sold: Sold
beforeAll(async () => {
  sold = await sell([
    { path: '/thing', price: '0.01' },
    { path: '/status/:code', price: '0.01', settle: 'before-call', rails: ['charge'] },
  ])
})
afterAll(() => sold?.close())

const at = (id: string) => `${sold.gateway.url}/farthing/payments/${id}`
const idOf = async (response: Response) =>
  (
    await SignedReceipt.verify(
      response.headers.get('farthing-receipt') ?? '',
      sold.gateway.deps.keys.receipt.publicKey,
    )
  ).jti

async function bought() {
  const payer = await sold.payer()
  const { charge } = await offers(sold.url('/thing'))
  const headers = await payer.charge(charge)
  const response = await fetch(sold.url('/thing'), { headers })
  expect(response.status).toBe(200)
  const id = await idOf(response)
  const payment = await sold.gateway.deps.ledger.payment({ id })
  return { payer, id, payment }
}

describe('GET /farthing/payments/:id', () => {
  test('default: by its id, whoever knows it: what became of it, signed by the receipt key', async () => {
    const { payer, id, payment } = await bought()
    const response = await fetch(at(id))
    expect(response.status).toBe(200)
    expect(response.headers.get('cache-control')).toBe('no-store')
    const body = (await response.json()) as { jws: string }
    expect(body).toMatchObject({
      id,
      wallet: payer.address,
      status: 'delivered',
      delivery: 'delivered',
      money: 'settled',
      amount: '10000',
      charged: '10000',
      credited: '0',
      transaction: payment?.transaction,
    })
    const key = sold.gateway.deps.keys.receipt.publicKey
    expect(await PaymentStatus.verify(body.jws, key)).toMatchObject({
      jti: id,
      status: 'delivered',
      charged: 10_000n,
    })
    await expect(SignedReceipt.verify(body.jws, key)).rejects.toThrow(MalformedError)
    const [head, claims, signature] = body.jws.split('.')
    const bent = Buffer.from(String(claims), 'base64url').toString().replace('delivered', 'credited!')
    const forged = `${head}.${Buffer.from(bent).toString('base64url')}.${signature}`
    await expect(PaymentStatus.verify(forged, key)).rejects.toThrow(/not signed/)
  })

  test('behavior: money that moved for a call that failed is credit, and says how much', async () => {
    const payer = await sold.payer()
    const { charge } = await offers(sold.url('/status/500'))
    const failed = await fetch(sold.url('/status/500'), { headers: await payer.charge(charge) })
    const id = failed.headers.get('farthing-payment') ?? ''
    expect(await (await fetch(at(id))).json()).toMatchObject({
      status: 'credited',
      charged: '0',
      credited: '10000',
      credit: { amount: '0.01', symbol: 'USD' },
      reason: 'The upstream answered 500.',
    })
  })

  test('behavior: by nonce or transaction hash for the wallet that paid, signed in; for everybody else as if it did not exist', async () => {
    const { payer, payment } = await bought()
    const stranger = await sold.payer(0n)
    const [own, other] = [await payer.signIn(sold.gateway.url), await stranger.signIn(sold.gateway.url)]
    const nonce = String(payment?.key.split(':').at(-1))
    const transaction = String(payment?.transaction)
    const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })
    for (const name of [nonce, transaction, nonce.toUpperCase().replace('0X', '0x')])
      expect(await (await fetch(at(name), bearer(own))).json(), name).toMatchObject({ id: payment?.id })

    const raw = async (response: Response) => {
      const headers = [...response.headers].filter(([name]) => name !== 'date')
      return JSON.stringify([response.status, headers, await response.text()])
    }
    const unknown = await raw(await fetch(at('pay_AAAAAAAAAAAAAAAAAAAAAA')))
    const told = await Promise.all(
      [
        fetch(at(nonce)),
        fetch(at(transaction)),
        fetch(at(nonce), bearer(other)),
        fetch(at(transaction), bearer(other)),
        fetch(at(nonce), bearer('x'.repeat(40))),
        fetch(at(random32()), bearer(own)),
        fetch(at(random32())),
        fetch(at('pay_x')),
        fetch(at(`${payment?.id}0`)),
        fetch(at("'%20OR%201=1")),
      ].map(async (asked) => raw(await asked)),
    )
    for (const answer of told) expect(answer).toBe(unknown)
    expect(unknown).toMatch(/^\[404/)
  })

  test('behavior: an answer that leaves somebody guessing links to it', async () => {
    const payer = await sold.payer()
    const { charge } = await offers(sold.url('/thing'))
    const headers = await payer.charge(charge)
    const gate = Promise.withResolvers<void>()
    const seen = Promise.withResolvers<void>()
    sold.upstream.onRequest = () => {
      seen.resolve()
      return gate.promise
    }
    const first = fetch(sold.url('/thing'), { headers })
    await seen.promise
    const second = await fetch(sold.url('/thing'), { headers })
    expect(second.status).toBe(409)
    const { paymentId } = (await second.json()) as { paymentId: string }
    expect(second.headers.get('link')).toBe(`</farthing/payments/${paymentId}>; rel="status"`)
    expect(await (await fetch(at(paymentId))).json()).toMatchObject({ status: 'pending', charged: '0' })
    gate.resolve()
    await first
    expect(await (await fetch(at(paymentId))).json()).toMatchObject({ status: 'delivered' })
    sold.upstream.forget()
  })
})

describe('statusOf', () => {
  test('default: every state that a payment can be in has one word', () => {
    const words = (
      [
        ['held', 'held'],
        ['held', 'settling'],
        ['held', 'unknown'],
        ['delivering', 'captured'],
        ['delivering', 'settled'],
        ['delivered', 'captured'],
        ['delivered', 'unknown'],
        ['delivered', 'lost'],
        ['failed', 'credited'],
        ['failed', 'refunded'],
        ['void', 'void'],
      ] as const
    ).map(([delivery, money]) => statusOf({ delivery, money }))
    expect(words).toEqual([
      'pending',
      'pending',
      'pending',
      'settled',
      'settled',
      'delivered',
      'delivered',
      'delivered',
      'credited',
      'credited',
      'failed',
    ])
    expect(statusOf({ delivery: 'delivered', money: 'settled', reversed: true })).toBe('reversed')
  })
})
