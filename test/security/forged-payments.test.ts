import { type Hex, toHex } from 'viem'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Sold, sell } from '../support/sold.ts'
import { offers, random32, type wallet } from '../support/wallet.ts'

/** Attacks 9, 10, 11 and 14: payments that are not what they say. The promise: nobody is served for money that is not ours. */

const price = 10_000n
const max = 2n ** 128n - 1n
const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

let sold: Sold
beforeAll(async () => {
  sold = await sell([{ path: '/call', price: '0.01' }])
})
afterAll(() => sold?.close())
afterEach(() => sold.upstream.forget())

const get = (headers: Record<string, string>, init: RequestInit = {}) =>
  fetch(sold.url('/call'), { ...init, headers })
const codeOf = async (response: Response) =>
  `${response.status} ${((await response.json()) as { code: string }).code}`

/** The same point of the curve, written the other way. */
function highS(signature: Hex): Hex {
  const s = order - BigInt(`0x${signature.slice(66, 130)}`)
  const v = signature.slice(130) === '1b' ? '1c' : '1b'
  return `0x${signature.slice(2, 66)}${toHex(s, { size: 32 }).slice(2)}${v}`
}
/** EIP-2098. */
function compact(signature: Hex): Hex {
  const parity = signature.slice(130) === '1c' ? 1n << 255n : 0n
  return `0x${signature.slice(2, 66)}${toHex(BigInt(`0x${signature.slice(66, 130)}`) | parity, { size: 32 }).slice(2)}`
}
const bentSignatures: [string, (signature: Hex) => Hex][] = [
  ['high-s', highS],
  ['compact', compact],
  [
    'with v 0 or 1',
    (signature) => `${signature.slice(0, 130)}0${signature.slice(130) === '1b' ? 0 : 1}` as Hex,
  ],
  ['of zeros', () => `0x${'00'.repeat(65)}`],
  ['with a byte too many', (signature) => `${signature}00`],
  ['of another message', (signature) => `0x${'11'.repeat(32)}${signature.slice(66)}` as Hex],
]

describe('forged charge', () => {
  const changes: [string, () => Record<string, unknown>][] = [
    ['one unit less', () => ({ value: price - 1n })],
    ['one unit more', () => ({ value: price + 1n })],
    ['nothing', () => ({ value: 0n })],
    ['the largest amount', () => ({ value: max })],
    ['to the payer itself', () => ({ to: `0x${'22'.repeat(20)}` })],
    ['to the escrow', () => ({ to: sold.chain.escrow })],
    ['not valid yet', () => ({ validAfter: 4_000_000_000n })],
    ['not valid any more', () => ({ validBefore: 1n })],
    ["in another wallet's name", () => ({ from: sold.chain.accounts[39]?.address.toLowerCase() })],
  ]
  test.each(changes)('error: a transfer of %s is refused on either dialect', async (_what, change) => {
    const payer = await sold.payer(1_000_000n)
    const { charge, x402 } = await offers(sold.url('/call'))
    expect(await codeOf(await get(await payer.charge(charge, change())))).toBe('402 verification-failed')
    expect(await codeOf(await get(await payer.exact(x402, change())))).toBe('402 verification-failed')
    expect(sold.upstream.seen).toEqual([])
  })

  test('error: a transfer whose nonce is not that of the challenge is refused', async () => {
    const payer = await sold.payer(1_000_000n)
    const { charge } = await offers(sold.url('/call'))
    const headers = await payer.charge(charge, { nonce: random32() })
    expect(await codeOf(await get(headers))).toBe('402 verification-failed')
  })

  test('error: a transfer of another token, or signed for another chain, is refused', async () => {
    const payer = await sold.payer(1_000_000n)
    const { charge } = await offers(sold.url('/call'))
    const other = await payer.charge(charge, {}, {}, sold.chain.token18)
    expect(await codeOf(await get(other))).toBe('402 verification-failed')
    const message = {
      from: payer.address,
      to: sold.gateway.deps.chain.payee,
      value: price,
      validAfter: 0n,
      validBefore: 4_000_000_000n,
      nonce: random32(),
    }
    const { signature } = await payer.authorization('receive', message)
    const headers = await payer.charge(charge, {}, { signature })
    expect(await codeOf(await get(headers))).toBe('402 verification-failed')
  })

  test.each(bentSignatures)('error: a signature %s is refused', async (_what, bend) => {
    const payer = await sold.payer(1_000_000n)
    const { charge } = await offers(sold.url('/call'))
    const headers = await payer.charge(charge)
    const [, token = ''] = headers.authorization?.split(' ') ?? []
    const credential = JSON.parse(Buffer.from(token, 'base64url').toString()) as {
      payload: { signature: Hex }
    }
    credential.payload.signature = bend(credential.payload.signature)
    const authorization = `Payment ${Buffer.from(JSON.stringify(credential)).toString('base64url')}`
    const response = await get({ authorization })
    expect(response.status).toBe(402)
    expect(['verification-failed', 'malformed-credential']).toContain(
      ((await response.json()) as { code: string }).code,
    )
    expect(sold.upstream.seen).toEqual([])
  })
})

describe('forged voucher', () => {
  async function opened(): Promise<{
    channel: wallet.Channel
    voucher: (cumulative: bigint, extra?: object) => Promise<Response>
    session: Awaited<ReturnType<typeof offers>>['session']
  }> {
    const payer = await sold.payer()
    const channel = payer.channel({ deposit: 100_000n })
    const { session } = await offers(sold.url('/call'))
    expect((await get(await channel.open(session, price))).status).toBe(200)
    sold.upstream.forget()
    return {
      channel,
      session,
      voucher: async (cumulative, extra = {}) => get(await channel.voucher(session, cumulative, extra)),
    }
  }

  test('error: the boundaries hold: the deposit buys, one unit above does not, nor does the largest amount', async () => {
    const { channel, voucher, session } = await opened()
    for (const cumulative of [100_001n, max])
      expect(await codeOf(await voucher(cumulative))).toBe('402 amount-exceeds-deposit')
    const above = channel.said(session, {
      action: 'voucher',
      cumulativeAmount: String(max + 1n),
      signature: await channel.sign(max),
    })
    expect(await codeOf(await get(above))).toBe('402 malformed-credential')
    expect(sold.upstream.seen).toEqual([])
    expect((await voucher(100_000n)).status).toBe(200)
    expect(await sold.gateway.deps.ledger.channel(channel.id)).toMatchObject({
      accepted: 100_000n,
      spent: 2n * price,
    })
  })

  test('error: a lower voucher than one that was accepted buys nothing new and takes nothing back', async () => {
    const { channel, voucher } = await opened()
    expect((await voucher(3n * price)).status).toBe(200)
    expect((await voucher(3n * price)).status).toBe(200)
    const lower = await voucher(2n * price)
    expect(lower.status).toBe(402)
    expect(await sold.gateway.deps.ledger.channel(channel.id)).toMatchObject({
      accepted: 3n * price,
      spent: 3n * price,
    })
  })

  test('error: fifty vouchers at once on a deposit for ten serve ten, and bill no more than the deposit', async () => {
    const { channel, voucher } = await opened()
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => voucher(BigInt(index + 2) * price, {}).then((r) => r.status)),
    )
    const served = answers.filter((status) => status === 200).length
    // One call was served by the opening.
    expect(sold.upstream.seen).toHaveLength(served)
    expect(served).toBeLessThanOrEqual(9)
    const booked = await sold.gateway.deps.ledger.channel(channel.id)
    expect(booked?.spent).toBe(BigInt(served + 1) * price)
    expect(booked?.accepted).toBeLessThanOrEqual(100_000n)
  })

  test.each(bentSignatures)('error: a signature %s is refused', async (_what, bend) => {
    const { channel, session } = await opened()
    const signature = bend(await channel.sign(2n * price))
    const headers = channel.said(session, {
      action: 'voucher',
      cumulativeAmount: String(2n * price),
      signature,
    })
    expect(await codeOf(await get(headers))).toBe('402 invalid-signature')
    expect(sold.upstream.seen).toEqual([])
  })

  test("error: a stranger can neither spend, nor close, nor learn of somebody's channel", async () => {
    const { channel, session } = await opened()
    const stranger = (await sold.payer(0n)).channel()
    const signature = await stranger.sign(2n * price)
    for (const action of ['voucher', 'close']) {
      const body = await (
        await get(channel.said(session, { action, cumulativeAmount: String(2n * price), signature }))
      ).json()
      expect(body).toMatchObject({ status: 402, code: 'invalid-signature' })
      expect(body).not.toHaveProperty('channel')
    }
    expect(await sold.gateway.deps.ledger.channel(channel.id)).toMatchObject({
      spent: price,
      finalized: false,
    })
  })

  test("error: an opening by a stranger's transaction, or of other parameters, opens nothing for it", async () => {
    const payer = await sold.payer()
    const { session } = await offers(sold.url('/call'))
    const channel = payer.channel()
    const hash = await channel.openOnchain()
    const thief = (await sold.payer(0n)).channel()
    const said = {
      action: 'open',
      type: 'hash',
      hash,
      salt: thief.salt,
      cumulativeAmount: String(price),
      signature: await thief.sign(price),
    }
    expect((await get(thief.said(session, said))).status).toBe(402)
    const asVictim = { ...said, salt: channel.salt, channelId: channel.id }
    expect((await get(thief.said(session, asVictim))).status).toBe(402)
    expect(sold.upstream.seen).toEqual([])
  })
})
