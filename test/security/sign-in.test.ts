import { SiweMessage } from 'siwe'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Sold, sell } from '../support/sold.ts'
import type { wallet } from '../support/wallet.ts'

/** Attack 28: sign-in messages replayed or made for somebody else. The promise: a session is for who signed for it here, once. */

let sold: Sold
let payer: wallet.Wallet
beforeAll(async () => {
  sold = await sell([{ path: '/call', price: '0.01' }])
  payer = await sold.payer(0n)
})
afterAll(() => sold?.close())

async function prepare(address = payer.account.address): Promise<SiweMessage> {
  const response = await fetch(sold.url(`/farthing/sign-in?address=${address}`))
  return new SiweMessage(((await response.json()) as { message: string }).message)
}

async function complete(message: string, signature?: string): Promise<Response> {
  return fetch(sold.url('/farthing/sign-in'), {
    method: 'POST',
    body: JSON.stringify({ message, signature: signature ?? (await payer.account.signMessage({ message })) }),
  })
}

async function expectRefused(response: Response): Promise<void> {
  expect(response.status).toBe(401)
  // The same words for every reason: nothing is learnt by trying.
  expect(await response.json()).toEqual({
    type: 'https://farthing.dev/problems/sign-in-refused',
    title: expect.any(String),
    status: 401,
    code: 'sign-in-refused',
    detail: expect.stringContaining('sign it unchanged'),
  })
}

const changes: [string, Partial<SiweMessage>][] = [
  ['another domain', { domain: 'evil.example' }],
  ['another uri', { uri: 'https://evil.example' }],
  ['another chain', { chainId: 1 }],
  ['a nonce of its own', { nonce: 'abcdefgh12345678' }],
  ['a far expiry of its own', { expirationTime: '2999-01-01T00:00:00.000Z', nonce: 'ownnonce12345678' }],
  ['an expiry that is over', { expirationTime: '2020-01-01T00:00:00.000Z' }],
  ['a time to come', { notBefore: '2099-01-01T00:00:00.000Z' }],
]

describe('sign-in', () => {
  test('default: a message signed here opens one session; signed again it opens none', async () => {
    const message = (await prepare()).prepareMessage()
    expect((await complete(message)).status).toBe(200)
    await expectRefused(await complete(message))
  })

  test('error: fifty copies at once open exactly one session', async () => {
    const message = (await prepare()).prepareMessage()
    const signature = await payer.account.signMessage({ message })
    const answers = await Promise.all(Array.from({ length: 50 }, () => complete(message, signature)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  })

  test.each(changes)(
    'error: a message for %s is refused, though its wallet signed it',
    async (_what, change) => {
      const message = Object.assign(await prepare(), change)
      await expectRefused(await complete(new SiweMessage(message).prepareMessage()))
    },
  )

  test("error: another wallet's signature, no signature, or no message of the kind is refused", async () => {
    const other = await sold.payer(0n)
    const message = (await prepare()).prepareMessage()
    await expectRefused(await complete(message, await other.account.signMessage({ message })))
    await expectRefused(await complete(message, `0x${'00'.repeat(65)}`))
    await expectRefused(await complete('not a message'))
    const named = (await prepare(other.account.address)).prepareMessage()
    await expectRefused(await complete(named))
  })

  test.each([
    '',
    '{',
    '[]',
    '{"message":1}',
    '{"message":"x","signature":"y"}',
    `{"message":"${'x'.repeat(5_000)}","signature":"0x00"}`,
  ])('error: a body of %j is a 400 of ours', async (body) => {
    const response = await fetch(sold.url('/farthing/sign-in'), { method: 'POST', body })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ code: 'body-unusable' })
  })

  test('error: a body of 1 MB is not read', async () => {
    const response = await fetch(sold.url('/farthing/sign-in'), {
      method: 'POST',
      body: 'x'.repeat(1_000_000),
    })
    expect(response.status).toBe(413)
  })

  test('behavior: an unknown session, an ended one and none at all are told the same', async () => {
    const token = await payer.signIn(sold.gateway.url)
    await fetch(sold.url('/farthing/sign-in'), {
      method: 'DELETE',
      headers: { authorization: `Bearer ${token}` },
    })
    const answers = await Promise.all(
      [{ authorization: `Bearer ${token}` }, { authorization: `Bearer ${'x'.repeat(43)}` }, {}].map(
        async (headers) => {
          const response = await fetch(sold.url('/farthing/balance'), {
            headers: headers as Record<string, string>,
          })
          const kept = [...response.headers].filter(([name]) => name !== 'date')
          return { status: response.status, headers: kept, body: await response.text() }
        },
      ),
    )
    expect(answers[0]?.status).toBe(401)
    expect(answers[1]).toEqual(answers[0])
    expect(answers[2]).toEqual(answers[0])
  })
})
