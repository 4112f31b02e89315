import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { offers, type wallet } from '../support/wallet.ts'
import { type House, house } from './house.ts'
import { type Load, load } from './load.ts'
import { price } from './round.ts'
import type { Stop } from './Stop.ts'

/**
 * The real process, killed with SIGKILL at each step of what it does by itself: settling channels and paying withdrawals
 * out. Of each, one transaction is mined; books and chain agree.
 */

const done = (operation: string, kind?: Stop['kind']) => stop('after', operation, kind)
const about = (operation: string, kind?: Stop['kind']) => stop('before', operation, kind)
function stop(when: Stop['when'], operation: string, kind: Stop['kind']): Omit<Stop, 'name'> {
  return { when, operation, ...(kind === undefined ? {} : { kind }) }
}

let home: House
let others: Load
beforeAll(async () => {
  home = await house({
    routes: [{ path: '/channel', price: '0.01', rails: ['channel'] }, ...load.routes],
    override: {
      settlement: { threshold: '0.01', maxAgeSeconds: 86_400, everyMs: 50 },
      withdrawals: { minimum: '0.01' },
    },
  })
  await home.start('stopping')
  others = await load(home, ['balance', 'charge'])
})
afterAll(() => home?.close())

/** A call on a new channel: due to be settled at once. */
async function callOnChannel(payer: wallet.Wallet): Promise<wallet.Channel> {
  const channel = payer.channel()
  const url = `${home.url}/channel`
  const headers = await channel.open((await offers(url)).session, price)
  expect((await fetch(url, { headers })).status).toBe(200)
  return channel
}

describe('killed while it settles a channel, which is', () => {
  test.each([
    ['recorded, not sent', done('intend', 'settle')],
    ['recorded as sent', done('updateIntent', 'settle')],
    ['mined, not booked', about('channelSettled')],
    ['booked', done('channelSettled')],
  ])('behavior: %s', async (_, step) => {
    const payer = await home.payer()
    let channel: wallet.Channel | undefined
    await home.killAt(step, async () => {
      channel = await callOnChannel(payer)
    })
    await vi.waitFor(
      async () => {
        const booked = await home.look((books) => books.channel(channel?.id ?? '0x'))
        expect(booked).toMatchObject({ accepted: price, spent: price, settled: price })
        expect(await home.look((books) => books.openIntents())).toEqual([])
      },
      { timeout: 20_000 },
    )
    expect(await channel?.onchain()).toMatchObject({ settled: price })
  })
})

describe('killed while it pays a withdrawal out, which is', () => {
  test.each([
    ['reserved', done('withdrawals.request')],
    ['taken, not signed', done('withdrawals.pay')],
    ['recorded, not sent', done('intend', 'withdrawal')],
    ['recorded as sent', done('updateIntent', 'withdrawal')],
    ['mined, not booked', about('withdrawals.paid')],
  ])('behavior: %s', async (_, step) => {
    const payer = await home.payer()
    expect((await payer.topUp(home.url, '0.05')).status).toBe(200)
    const token = await payer.signIn(home.url)
    const before = await payer.balance()
    const ask = () =>
      fetch(`${home.url}/farthing/withdrawals`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'idempotency-key': 'once',
          'content-type': 'application/json',
        },
        body: JSON.stringify({ amount: '0.03', symbol: 'USD' }),
      })
    await home.killAt(step, () => void ask().catch(() => {}))
    // Whoever asked may not have heard of it, and asks again.
    const asked = (await (await ask()).json()) as { id: string }
    await vi.waitFor(
      async () => {
        const told = await fetch(`${home.url}/farthing/withdrawals/${asked.id}`)
        expect(await told.json()).toMatchObject({ state: 'paid', amount: '30000' })
      },
      { timeout: 20_000 },
    )
    expect((await payer.balance()) - before).toBe(30_000n)
  })
})

describe('after all of it', () => {
  test('default: what others hold a receipt for is booked, and books and chain agree', async () => {
    await others.end()
    await others.check()
    expect(await home.audit()).toBe('All holds.')
  })
})
