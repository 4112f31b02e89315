import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import * as Account from '../../gateway/ledger/Account.ts'
import { recoverOpenPayments } from '../../gateway/settlement/recover-open-payments.ts'
import { type LocalChain, startChain } from '../support/chain.ts'
import { createStage, must, type Stage } from './stage.ts'

let local: LocalChain
let stage: Stage
beforeAll(async () => {
  local = await startChain({ accounts: 2 })
})
afterAll(() => local.close())
beforeEach(async () => {
  stage = await createStage(local)
})
afterEach(() => stage.close())

describe('recoverOpenPayments', () => {
  test('default: a hold is voided; an answer that broke off is refunded; a stored one counts', async () => {
    const payer = await stage.payer()
    const { id } = await stage.open(payer, 1_000n)
    await stage.watcher.poll()
    const channel = must(await stage.ledger.channel(id))
    const claim = async (name: string, cumulative: bigint) => {
      const signature = await stage.sign(payer, id, cumulative)
      const result = await stage.ledger.claim({
        id: `pay_${name}`,
        key: name,
        fingerprint: name,
        dialect: 'mpp',
        wallet: payer.address,
        route: 'weather',
        asset: channel.asset,
        amount: 100n,
        earns: Account.revenue('weather'),
        now: stage.time.now,
        from: { rail: 'channel', channelId: id, cumulative, signature, minDelta: 0n, reusable: false },
      })
      if (result.outcome !== 'fresh') throw new Error(result.outcome)
      return result.payment.id
    }
    const held = await claim('held', 100n)
    const broken = await claim('broken', 200n)
    await stage.ledger.capture({ paymentId: broken, amount: 100n })
    const stored = await claim('stored', 300n)
    await stage.ledger.capture({ paymentId: stored, amount: 100n })
    await stage.ledger.storeAnswer(stored, { sealed: new Uint8Array([1]) })
    const { payment: charge } = await stage.charge(payer, 5n)
    const { payment: settling } = await stage.charge(payer, 5n)
    await stage.ledger.settling({ paymentId: settling.id })

    expect(await recoverOpenPayments({ ledger: stage.ledger })).toEqual({
      voided: 2,
      refunded: 1,
      completed: 1,
      lost: 0,
      left: 1,
    })
    const states = async (paymentId: string) => {
      const { delivery, money } = must(await stage.ledger.payment({ id: paymentId }))
      return `${delivery}/${money}`
    }
    expect(await states(held)).toBe('void/void')
    expect(await states(charge.id)).toBe('void/void')
    expect(await states(broken)).toBe('failed/refunded')
    expect(await states(stored)).toBe('delivered/captured')
    expect(await states(settling.id)).toBe('held/settling')
    expect(await stage.balance(Account.wallet(payer.address))).toMatchObject({ posted: 100n })
    expect(await stage.ledger.audit()).toMatchObject({ balanced: true })
  })
})
