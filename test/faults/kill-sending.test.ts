import { x402Client } from '@x402/core/client'
import { ExactEvmScheme } from '@x402/evm/exact/client'
import { wrapFetchWithPayment } from '@x402/fetch'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type House, house } from './house.ts'
import { type Load, load } from './load.ts'
import { type Case, killAt, type Outcome, price } from './round.ts'

/**
 * The real process, killed with SIGKILL at each step of sending a transaction. Of each transfer one transaction is mined,
 * or none; whoever paid is answered, or has credit.
 */

const orders = ['before-call', 'before-release', 'after'] as const
/** Those whose caller waits for the chain. */
const held = ['before-call', 'before-release'] as const
type Order = (typeof orders)[number]
const done = (operation: string) => ({ when: 'after', operation }) as const
const about = (operation: string) => ({ when: 'before', operation }) as const
const answered: Outcome = { told: 'answer', runs: 1, paid: 1, moved: 1 }
const credited: Outcome = { told: 'payment-credited', runs: 0, paid: 0, moved: 1 }
const becomes = (order: Order) => (order === 'before-call' ? credited : answered)

let home: House
let others: Load
beforeAll(async () => {
  home = await house({
    routes: [...orders.map((settle) => ({ path: `/${settle}`, price: '0.01', settle })), ...load.routes],
    override: { chain: { timeoutMs: 1_000 } },
  })
  await home.start('stopping')
  others = await load(home)
})
afterAll(() => home?.close())

/** One kill; what is started after it can be killed as the next one needs. */
async function kill(order: Order, at: Case['at'], next: House['next'], step: string) {
  home.next = next
  const name = `${order}-${step}`
  const outcomes = await killAt(home, [{ name, rail: 'mpp', path: `/${order}`, at }])
  return outcomes.get(name)
}

describe('killed with its books at', () => {
  test.each(orders)('behavior: recorded, not sent; settled %s', async (order) => {
    expect(await kill(order, done('intend'), 'stopping', 'recorded')).toEqual(becomes(order))
  })

  test('behavior: recorded as sent', async () => {
    expect(await kill('before-call', done('updateIntent'), 'stopping', 'sent')).toEqual(credited)
  })

  test('behavior: not known, not written', async () => {
    home.node.judge = silentAbout
    expect(await kill('before-release', about('unknown'), 'stopping', 'unwritten')).toEqual(answered)
  })

  test.each(held)('behavior: not known; settled %s', async (order) => {
    home.node.judge = silentAbout
    expect(await kill(order, done('unknown'), 'stopping', 'unknown')).toEqual(becomes(order))
  })
})

const silentAbout = (method: string) => (method === 'eth_getTransactionReceipt' ? 'blank' : 'pass')

describe('a stock client', () => {
  test.each(held)(
    'behavior: told 503, cut off by a kill and called again by its app, pays once; settled %s',
    async (order) => {
      const payer = await home.payer()
      const client = new x402Client().register(
        `eip155:${home.chain.chainId}`,
        new ExactEvmScheme(payer.account),
      )
      client.setSpendControls({ allowedAssets: true })
      const pay = wrapFetchWithPayment(fetch, client)
      const url = `${home.url}/${order}?call=stock-${order}`
      home.node.judge = silentAbout
      expect((await pay(url)).status).toBe(503)
      home.kill()
      await home.gone()
      home.node.heal()
      await home.start('main')
      const answer = await pay(url)
      expect(answer.status).toBe(200)
      expect(await home.transfers(payer)).toHaveLength(1)
      expect(await payer.balance()).toBe(1_000_000n - price)
      expect(home.runs(`stock-${order}`)).toBe(1)
    },
  )
})

describe('killed by its node when its transaction is', () => {
  test.each(held)('behavior: sent, not recorded as such; settled %s', async (order) => {
    expect(await kill(order, 'sent', 'main', 'sent')).toEqual(becomes(order))
  })

  test('behavior: on its way', async () => {
    expect(await kill('before-call', 'sending', 'main', 'sending')).toEqual(credited)
  })

  test('behavior: mined, and its receipt asked for', async () => {
    expect(await kill('before-release', 'asked', 'main', 'asked')).toEqual(answered)
  })
})

describe('after all of it', () => {
  test('default: what others hold a receipt for is booked, and books and chain agree', async () => {
    await others.end()
    await others.check()
    expect(await home.audit()).toBe('All holds.')
  })
})
