import { beforeEach, describe, expect, test } from 'vitest'
import type { Payment } from '../../gateway/ledger/Payment.ts'
import { createDoubts, type Doubts } from '../../gateway/settlement/doubts.ts'

const wallet = '0x00000000000000000000000000000000000000aa'
const call = { wallet, fingerprint: 'get /weather', key: 'eip3009:second' } as const
const payment = (id: string, more: Partial<Payment> = {}) => ({ id, ...call, ...more }) as Payment

let now = 0
let doubts: Doubts
beforeEach(() => {
  now = 1_000
  const ledger = { payment: async (by: object) => ('id' in by ? payment(String(by.id)) : null) }
  doubts = createDoubts({ ledger, clock: { now: () => now }, keepMs: 60_000 })
})

describe('createDoubts', () => {
  test('default: finds the oldest payment of the same wallet for the same call, however its address is written', async () => {
    doubts.add(payment('pay_1'))
    doubts.add(payment('pay_2'))
    doubts.add(payment('pay_1'))
    const written = wallet.toUpperCase().replace('0X', '0x') as Payment['wallet']
    expect(await doubts.find({ ...call, wallet: written })).toMatchObject({ id: 'pay_1' })
    doubts.forget('pay_1')
    expect(await doubts.find(call)).toMatchObject({ id: 'pay_2' })
    doubts.forget('pay_2')
    expect(await doubts.find(call)).toBeNull()
  })

  test('default: another wallet and another call find nothing', async () => {
    doubts.add(payment('pay_1'))
    expect(await doubts.find({ ...call, wallet: `0x${'b'.repeat(40)}` })).toBeNull()
    expect(await doubts.find({ ...call, fingerprint: 'get /news' })).toBeNull()
  })

  test('behavior: a payment is taken up once, and its credential finds it again', async () => {
    doubts.add(payment('pay_1'))
    doubts.takenUp('pay_1', call.key)
    expect(await doubts.find(call)).toMatchObject({ id: 'pay_1' })
    expect(await doubts.find({ ...call, key: 'eip3009:third' })).toBeNull()
  })

  test('behavior: forgets after as long as an answer is kept', async () => {
    doubts.add(payment('pay_1'))
    now += 60_001
    expect(await doubts.find(call)).toBeNull()
  })

  test('behavior: remembers no more than 10,000; the oldest goes first', async () => {
    for (let index = 0; index <= 10_000; index += 1)
      doubts.add(payment(`pay_${index}`, { fingerprint: `get /${index}` }))
    expect(await doubts.find({ ...call, fingerprint: 'get /0' })).toBeNull()
    expect(await doubts.find({ ...call, fingerprint: 'get /1' })).toMatchObject({ id: 'pay_1' })
  })
})
