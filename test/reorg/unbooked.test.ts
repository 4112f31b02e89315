import { describe, expect, test } from 'vitest'
import * as Account from '../../gateway/ledger/Account.ts'
import { must } from '../settlement/stage.ts'
import { local, stage } from './stage-for-each.ts'

/** We died between "it is mined" and "it is booked", and then the chain took it back: nothing watches it yet. */

const money = async (id: string) => must(await stage.ledger.payment({ id })).money

describe('a charge that can never come back', () => {
  test('default: is debt, and is not asked after for ever', async () => {
    const payer = await stage.payer()
    const validBefore = BigInt(await local.time()) + 100n
    const { payment } = await stage.charge(payer, 50n, { validBefore })
    await stage.reorganise(
      async () => {
        const outcome = await stage.desk.settle(payment)
        if (outcome.status !== 'settled') throw new Error(outcome.reason)
        await stage.ledger.settled({ paymentId: payment.id, ref: outcome.ref, deliver: 'delivered' })
      },
      async () => {
        await stage.takeNonce()
        await local.testClient.increaseTime({ seconds: 200 })
      },
    )
    await stage.guard.tick()
    expect(await money(payment.id)).toBe('reversed')
    const watched = async () => (await stage.ledger.reorg.anchors(local.chainId, 10)).length
    expect(await watched()).toBe(1)
    await local.mine(200)
    await stage.guard.tick()
    expect(await watched()).toBe(0)
    expect((await stage.balance(Account.debt(payer.address))).posted).toBe(-50n)
  })
})

describe('a charge that was mined and not booked', () => {
  const charged = async () => (await stage.charge(await stage.payer(), 50n)).payment
  const settle = async (payment: Awaited<ReturnType<typeof charged>>) =>
    expect(await stage.desk.settle(payment)).toMatchObject({ status: 'settled' })

  test('default: the very same transaction is sent again, and is booked once it is there', async () => {
    const payment = await charged()
    await stage.reorganise(() => settle(payment))
    await stage.resolver.tick()
    await stage.resolver.tick()
    expect(await money(payment.id)).toBe('credited')
    expect(await stage.held()).toBe(50n)
  })

  test('behavior: its nonce is used: the same credential may be used again, and nothing waits for ever', async () => {
    const payment = await charged()
    await stage.reorganise(() => settle(payment), stage.takeNonce)
    await stage.resolver.tick()
    expect(await money(payment.id)).toBe('void')
    expect(await stage.held()).toBe(0n)
  })
})
