import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Depths, deepest, depthFor } from '../../gateway/chain/depth.ts'
import * as Config from '../../gateway/config/Config.ts'
import { readDepths } from '../../gateway/config/read-depths.ts'
import type { Token } from '../../gateway/routes/Token.ts'
import { type LocalChain, startChain } from '../support/chain.ts'
import { type Sold, sell } from '../support/sold.ts'
import { offers } from '../support/wallet.ts'

const token = `0x${'aa'.repeat(20)}` as const
const steps = [
  { upTo: 10n, confirmations: 1 },
  { upTo: 100n, confirmations: 3 },
  { upTo: null, confirmations: 12 },
]
const depths: Depths = new Map([[token, steps]])

describe('depthFor', () => {
  test('default: exactly a step counts as that step, one base unit more as the next', () => {
    expect([0n, 10n, 11n, 100n, 101n, 10n ** 30n].map((amount) => depthFor(depths, token, amount))).toEqual([
      1, 1, 3, 3, 12, 12,
    ])
    expect(deepest(depths)).toBe(12)
  })

  test('behavior: a token without steps needs the most, and its spelling does not matter', () => {
    expect(depthFor(depths, `0x${'bb'.repeat(20)}`, 1n)).toBe(12)
    expect(depthFor(depths, `0x${'AA'.repeat(20)}`, 1n)).toBe(1)
    expect(deepest(new Map())).toBe(1)
  })
})

describe('readDepths', () => {
  const usd = { symbol: 'USD', decimals: 6 } as Token
  test('default: in the unit of the token; a plain number holds for everything', () => {
    expect(readDepths(4, usd)).toEqual([{ upTo: null, confirmations: 4 }])
    expect(readDepths([{ upTo: '10', confirmations: 1 }, { confirmations: 12 }], usd)).toEqual([
      { upTo: 10_000_000n, confirmations: 1 },
      { upTo: null, confirmations: 12 },
    ])
  })

  test.each([
    [[{ upTo: '1', confirmations: 1 }], 'no step for larger amounts'],
    [[{ confirmations: 1 }, { confirmations: 2 }], 'no upTo and is not the last'],
    [
      [{ upTo: '2', confirmations: 1 }, { upTo: '1', confirmations: 2 }, { confirmations: 3 }],
      'not above step 1',
    ],
    [[{ upTo: '2', confirmations: 5 }, { confirmations: 3 }], 'a smaller amount for 5'],
  ])('error: steps that leave something open are refused (%j)', (raw, complaint) => {
    expect(() => readDepths(raw, usd)).toThrow(complaint)
  })
})

describe('through the gateway', () => {
  let chain: LocalChain
  let sold: Sold
  beforeAll(async () => {
    chain = await startChain({ accounts: 20 })
    sold = await sell([{ path: '/call', price: '0.01', rails: ['channel', 'charge'] }], {
      chain,
      override: {
        chain: {
          id: chain.chainId,
          rpcUrl: chain.rpcUrl,
          relayerKey: { env: 'FARTHING_RELAYER_KEY' },
          startBlock: 0,
          pollMs: 50,
          timeoutMs: 1_500,
          confirmations: [{ upTo: '1', confirmations: 1 }, { confirmations: 5 }],
        },
      },
    })
  })
  afterAll(async () => {
    await sold?.close()
    await chain?.close()
  })

  const openBy = async (deposit: bigint) => {
    const payer = await sold.payer()
    const channel = payer.channel({ deposit })
    const { session } = await offers(sold.url('/call'))
    const headers = await channel.open(session, 10_000n)
    return { channel, session, send: () => fetch(sold.url('/call'), { headers }) }
  }

  test('default: a small deposit and a small charge count at once', async () => {
    expect((await (await openBy(1_000_000n)).send()).status).toBe(200)
    const payer = await sold.payer()
    const { charge } = await offers(sold.url('/call'))
    expect((await fetch(sold.url('/call'), { headers: await payer.charge(charge) })).status).toBe(200)
  })

  test('behavior: a large deposit is 503 until it is deep, and never pays before', async () => {
    const { send, channel } = await openBy(1_000_001n)
    const early = await send()
    expect(early.status).toBe(503)
    expect(await early.json()).toMatchObject({ code: 'payment-unknown' })
    expect(await sold.gateway.deps.ledger.channel(channel.id)).toBeNull()
    await chain.mine(5)
    // A poll that is under way may have asked for the newest block before.
    await vi.waitFor(async () => expect(await sold.gateway.deps.ledger.channel(channel.id)).not.toBeNull())
    expect((await send()).status).toBe(200)
  })

  test('behavior: many small top-ups are one large deposit', async () => {
    const { send, channel, session } = await openBy(1_000_000n)
    expect((await send()).status).toBe(200)
    const headers = await channel.topUp(session, 500_000n)
    const early = await fetch(sold.url('/call'), { headers })
    expect(early.status).toBe(503)
    expect((await sold.gateway.deps.ledger.channel(channel.id))?.deposit).toBe(1_000_000n)
    await chain.mine(5)
    const deposit = async () => (await sold.gateway.deps.ledger.channel(channel.id))?.deposit
    await vi.waitFor(async () => expect(await deposit()).toBe(1_500_000n), 10_000)
  })

  test('behavior: the same for a transaction of the payer, named by its hash', async () => {
    const payer = await sold.payer()
    const channel = payer.channel({ deposit: 2_000_000n })
    const { session } = await offers(sold.url('/call'))
    const hash = await channel.openOnchain()
    const signature = await channel.sign(10_000n)
    const said = {
      action: 'open',
      type: 'hash',
      hash,
      salt: channel.salt,
      cumulativeAmount: '10000',
      signature,
    }
    const send = async () => fetch(sold.url('/call'), { headers: channel.said(session, said) })
    expect((await send()).status).toBe(503)
    await chain.mine(4)
    expect((await send()).status).toBe(200)
  })

  test('error: a configuration whose price no channel could pay is refused with the fix', () => {
    const { config } = sold.gateway.deps
    expect(config.chain.depths.get(chain.token.toLowerCase() as `0x${string}`)).toHaveLength(2)
    const raw = {
      publicUrl: 'http://127.0.0.1:1',
      secret: { env: 'S' },
      chain: { id: 1, rpcUrl: 'http://127.0.0.1:1', relayerKey: { env: 'K' }, startBlock: 0 },
      escrow: token,
      tokens: { USD: { address: token, decimals: 6, name: 'USD', version: '2' } },
      routes: [{ path: '/dear', price: '101', upstream: 'http://127.0.0.1:1' }],
    }
    const environment = { S: Buffer.alloc(32).toString('base64'), K: `0x${'11'.repeat(32)}` }
    expect(() => Config.parse(raw, environment)).toThrow('is above exposure.perChannel, 100 USD')
  })
})
