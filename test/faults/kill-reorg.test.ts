import { encodeFunctionData, parseAbi, parseTransaction } from 'viem'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import * as Account from '../../gateway/ledger/Account.ts'
import * as Asset from '../../gateway/ledger/Asset.ts'
import { offers, type wallet } from '../support/wallet.ts'
import { type House, house } from './house.ts'
import { type Load, load } from './load.ts'
import { price } from './round.ts'
import type { Stop } from './Stop.ts'

/**
 * The real process, killed with SIGKILL while it mends its books after a reorganisation, and while it replaces a
 * transaction whose fee is too low. Blocks are really taken back: a snapshot, what happened after it, the snapshot again.
 */

const done = (operation: string) => ({ when: 'after', operation }) as const
const about = (operation: string) => ({ when: 'before', operation }) as const

let home: House
let others: Load
beforeAll(async () => {
  home = await house({
    routes: [{ path: '/charge', price: '0.01', rails: ['charge'] }, ...load.routes],
    override: {
      settlement: { threshold: '100', maxAgeSeconds: 86_400, everyMs: 60_000 },
      chain: { reorgBlocks: 400 },
    },
    replaceAfterSeconds: 0.3,
  })
  await home.start('stopping')
  others = await load(home, ['balance', 'channel'])
})
afterAll(() => home?.close())

const asset = () => Asset.of(home.chain.chainId, home.chain.token)
const debtOf = ({ address }: wallet.Wallet) =>
  home.look(async (books) => -(await books.balance(Account.debt(address), asset())).posted)
const lawsHold = async () => {
  const { laws } = await home.look((books) => books.audit())
  expect(laws.flatMap(({ violations }) => violations)).toEqual([])
}

async function pay(payer: wallet.Wallet): Promise<void> {
  const url = `${home.url}/charge?by=${payer.address}`
  const headers = await payer.charge((await offers(url)).charge)
  expect((await fetch(url, { headers })).status).toBe(200)
}

/** The payer pays; those blocks are taken back, and `instead` comes in their place. */
async function takeBack(payer: wallet.Wallet, instead: () => Promise<void>): Promise<void> {
  const id = await home.chain.testClient.snapshot()
  await pay(payer)
  await home.chain.testClient.revert({ id })
  await instead()
  await home.chain.mine(6)
}

async function empty(payer: wallet.Wallet): Promise<void> {
  const data = encodeFunctionData({
    abi: parseAbi(['function transfer(address to, uint256 value) returns (bool)']),
    functionName: 'transfer',
    args: [home.chain.escrow, await payer.balance()],
  })
  const hash = await home.chain.walletClient(payer.account).sendTransaction({ to: home.chain.token, data })
  await home.chain.publicClient.waitForTransactionReceipt({ hash })
}

describe('killed while a payment that the chain took back is', () => {
  test.each([
    ['missed, nothing done about it', done('reorg.seen')],
    ['about to be reversed', about('reorg.reversed')],
    ['reversed', done('reorg.reversed')],
  ])('behavior: %s: it is owed once, and paid once the payer can', async (_, step) => {
    const payer = await home.payer()
    await home.killAt(step, () => takeBack(payer, () => empty(payer)))
    await vi.waitFor(async () => expect(await debtOf(payer)).toBe(price), { timeout: 20_000 })
    await lawsHold()
    await home.chain.mint(payer.address, 1_000_000n)
    await vi.waitFor(async () => expect(await debtOf(payer)).toBe(0n), { timeout: 20_000 })
    expect(await home.transfers(payer)).toHaveLength(1)
    expect(await payer.balance()).toBe(1_000_000n - price)
    await lawsHold()
  })

  test.each(['refuse', 'lose'] as const)(
    'behavior: sent again, the node %ss: it moves once, and nobody owes anything',
    async (verdict) => {
      const payer = await home.payer()
      const isIts = (method: string, given: unknown) =>
        method === 'eth_sendRawTransaction' && String(given).includes(payer.address.slice(2))
      await takeBack(payer, async () => {
        home.node.judge = (method, [given]) => {
          if (!isIts(method, given)) return 'pass'
          if (verdict === 'refuse') home.kill()
          return verdict
        }
        home.node.acted = (method, [given]) => {
          if (isIts(method, given)) home.kill()
        }
      })
      await home.again()
      await vi.waitFor(async () => expect(await home.transfers(payer)).toHaveLength(1), { timeout: 20_000 })
      expect(await debtOf(payer)).toBe(0n)
      expect(await payer.balance()).toBe(1_000_000n - price)
      await lawsHold()
    },
  )
})

describe('killed while a transaction is replaced, which is', () => {
  const steps: [string, Omit<Stop, 'name'> | 'lose'][] = [
    ['signed, not recorded', about('replaceIntent')],
    ['recorded, not sent', done('replaceIntent')],
    ['sent', 'lose'],
  ]
  test.each(steps)('behavior: %s: of its attempts one is mined', async (_, step) => {
    const payer = await home.payer()
    const url = `${home.url}/charge?by=${payer.address}`
    const headers = await payer.charge((await offers(url)).charge)
    const call = () => fetch(url, { headers })
    const intentsOf = () =>
      home.look(async (books) =>
        (await books.openIntents()).filter(({ raw }) => raw.includes(payer.address.slice(2))),
      )
    /** The node has it, and can no longer mine it for its fee. */
    const getStuck = async () => {
      await home.chain.testClient.setAutomine(false)
      void call().catch(() => {})
      await vi.waitFor(async () => expect((await intentsOf())[0]?.state).toBe('sent'), { timeout: 20_000 })
      const { maxFeePerGas = 0n } = parseTransaction((await intentsOf())[0]?.raw ?? '0x')
      await home.chain.testClient.setNextBlockBaseFeePerGas({ baseFeePerGas: maxFeePerGas + 1n })
      await home.chain.mine(1)
    }
    if (step !== 'lose') await home.killAt(step, getStuck)
    else {
      let broadcasts = 0
      home.node.judge = (method, [given]) => {
        const its = method === 'eth_sendRawTransaction' && String(given).includes(payer.address.slice(2))
        broadcasts += Number(its)
        return its && broadcasts > 1 ? 'lose' : 'pass'
      }
      home.node.acted = () => {
        if (broadcasts > 1) home.kill()
      }
      await getStuck()
      await home.again()
    }
    await home.chain.testClient.setAutomine(true)
    await home.chain.mine(1)
    const answer = await vi.waitFor(
      async () => {
        const response = await call()
        expect(response.status).toBe(200)
        return response
      },
      { timeout: 30_000 },
    )
    expect(answer.headers.has('farthing-receipt')).toBe(true)
    expect(await home.transfers(payer)).toHaveLength(1)
    await vi.waitFor(async () => expect(await home.look((books) => books.openIntents())).toEqual([]), {
      timeout: 20_000,
    })
  })
})

describe('after all of it', () => {
  test('default: what others hold a receipt for is booked, and books and chain agree', async () => {
    await others.end()
    await others.check()
    expect(await home.audit()).toBe('All holds.')
  })
})
