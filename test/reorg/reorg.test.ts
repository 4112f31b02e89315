import { type Address, encodeFunctionData, type Hex, parseAbi } from 'viem'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import * as Account from '../../gateway/ledger/Account.ts'
import * as Asset from '../../gateway/ledger/Asset.ts'
import { type LocalChain, startChain } from '../support/chain.ts'
import { type Sold, sell } from '../support/sold.ts'
import { offers, type wallet } from '../support/wallet.ts'

/** Blocks are really taken back here: a snapshot, what happened after it, and the snapshot again. */

const price = 10_000n
let chain: LocalChain
let sold: Sold
beforeAll(async () => {
  chain = await startChain({ accounts: 40 })
  sold = await sell(
    [
      { path: '/charge', price: '0.01', rails: ['charge'], settle: 'before-release' },
      { path: '/channel', price: '0.01', rails: ['channel'] },
      { path: '/balance', price: '0.01', rails: ['balance'] },
    ],
    {
      chain,
      override: {
        settlement: { threshold: '100', maxAgeSeconds: 86_400, everyMs: 60_000 },
        chain: {
          id: chain.chainId,
          rpcUrl: chain.rpcUrl,
          relayerKey: { env: 'FARTHING_RELAYER_KEY' },
          startBlock: 0,
          pollMs: 50,
          timeoutMs: 20_000,
          reorgBlocks: 400,
        },
      },
    },
  )
})
afterAll(async () => {
  await sold?.close()
  await chain?.close()
})
afterEach(() => sold.upstream.forget())

const balanceOf = (address: Address) => sold.gateway.deps.ledger.balance(Account.wallet(address), asset())
const debtOf = async (address: Address) =>
  -(await sold.gateway.deps.ledger.balance(Account.debt(address), asset())).posted
const asset = () => Asset.of(chain.chainId, chain.token)
const lawsHold = async () => {
  const { laws } = await sold.gateway.deps.ledger.audit()
  expect(laws.flatMap(({ violations }) => violations)).toEqual([])
}

/** What happens in `during` is taken back; `instead` comes in its place, in at least as many blocks. */
async function reorganise<T>(
  during: () => Promise<T>,
  instead: () => Promise<unknown> = async () => {},
): Promise<T> {
  const id = await chain.testClient.snapshot()
  const result = await during()
  await chain.testClient.revert({ id })
  await instead()
  await chain.mine(6)
  return result
}

const payCharge = async (payer: wallet.Wallet) => {
  const { charge } = await offers(sold.url('/charge'))
  return fetch(sold.url('/charge'), { headers: await payer.charge(charge) })
}

async function pay(payer: wallet.Wallet) {
  const headers = await payer.charge((await offers(sold.url('/charge'))).charge)
  const response = await fetch(sold.url('/charge'), { headers })
  expect(response.status).toBe(200)
  return response.headers.get('farthing-payment') ?? ''
}

const send = async (payer: wallet.Wallet, functionName: 'transfer' | 'cancel', args: readonly unknown[]) => {
  const abi = parseAbi([
    'function transfer(address to, uint256 value) returns (bool)',
    'function cancelAuthorization(address authorizer, bytes32 nonce, bytes signature)',
  ])
  const data = encodeFunctionData({
    abi,
    functionName: functionName === 'transfer' ? 'transfer' : 'cancelAuthorization',
    args,
  } as never)
  const hash = await chain.walletClient(payer.account).sendTransaction({ to: chain.token, data })
  await chain.publicClient.waitForTransactionReceipt({ hash })
}
const emptied = async (payer: wallet.Wallet) => send(payer, 'transfer', [chain.escrow, await payer.balance()])

const paymentOf = async (payer: wallet.Wallet) => {
  const entries = await sold.gateway.deps.ledger.chainEntries(chain.chainId)
  for (const { subject } of entries.toSorted((a, b) => Number(b.ref.block - a.ref.block))) {
    const payment = await sold.gateway.deps.ledger.payment({ id: subject })
    if (payment?.wallet === payer.address) return payment
  }
  return null
}

describe('a charge', () => {
  test('default: the very same transaction is sent again, and nothing changes for anybody', async () => {
    const payer = await sold.payer()
    await reorganise(() => pay(payer))
    const before = await sold.received()
    await vi.waitFor(async () => expect(await payer.balance()).toBe(100_000_000n - price), 10_000)
    await sold.gateway.settlement.reorg.tick()
    expect((await paymentOf(payer))?.money).toBe('settled')
    expect(await sold.received()).toBe(before)
    expect(await debtOf(payer.address)).toBe(0n)
    expect(await sold.audit()).toBe('All holds.')
  })

  test('behavior: the payer moved its tokens away: debt, no calls; and calls again once the transfer can be made', async () => {
    const payer = await sold.payer()
    const before = await sold.received()
    await reorganise(
      () => pay(payer),
      () => emptied(payer),
    )
    await vi.waitFor(async () => expect(await debtOf(payer.address)).toBe(price), 10_000)
    expect(await sold.received()).toBe(before)
    await lawsHold()

    sold.upstream.forget()
    await chain.mint(payer.address, price - 1n)
    const refused = await payCharge(payer)
    expect(refused.status).toBe(402)
    expect(await refused.json()).toMatchObject({
      code: 'wallet-in-debt',
      wallet: payer.address,
      owed: [{ symbol: 'USD', owed: String(price) }],
    })
    expect(sold.upstream.seen).toEqual([])

    await chain.mint(payer.address, 1_000_000n)
    await vi.waitFor(async () => expect(await debtOf(payer.address)).toBe(0n), 10_000)
    expect((await paymentOf(payer))?.money).toBe('settled')
    expect((await payCharge(payer)).status).toBe(200)
    expect(await sold.received()).toBe(before + 2n * price)
    await lawsHold()
  })

  test('behavior: the authorization was used up otherwise: a top-up pays the debt first', async () => {
    const payer = await sold.payer()
    const nonce = await reorganise(
      async () => {
        await pay(payer)
        const payment = await paymentOf(payer)
        return (JSON.parse(payment?.settlement ?? '{}') as { nonce: Hex }).nonce
      },
      () => emptied(payer),
    )
    await vi.waitFor(async () => expect(await debtOf(payer.address)).toBe(price), 10_000)
    expect(nonce).toMatch(/^0x/)
    const typed = {
      domain: { name: 'Test USD', version: '2', chainId: chain.chainId, verifyingContract: chain.token },
      types: {
        CancelAuthorization: [
          { name: 'authorizer', type: 'address' },
          { name: 'nonce', type: 'bytes32' },
        ],
      },
      primaryType: 'CancelAuthorization' as const,
      message: { authorizer: payer.account.address, nonce },
    }
    const signature = await payer.account.signTypedData(typed)
    await send(payer, 'cancel', [payer.account.address, nonce, signature])
    await chain.mint(payer.address, 1_000_000n)

    const topUp = await payer.topUp(sold.gateway.url, '0.015')
    expect(topUp.status).toBe(200)
    expect(await debtOf(payer.address)).toBe(0n)
    expect((await balanceOf(payer.address)).available).toBe(5_000n)
    expect((await payCharge(payer)).status).toBe(200)
    await lawsHold()
  })

  test('behavior: a top-up that is taken back takes its credit, and what was spent of it is debt', async () => {
    const payer = await sold.payer()
    const token = await payer.signIn(sold.gateway.url)
    const call = () => fetch(sold.url('/balance'), { headers: { authorization: `Bearer ${token}` } })
    await reorganise(
      async () => {
        expect((await payer.topUp(sold.gateway.url, '0.05')).status).toBe(200)
        expect((await call()).status).toBe(200)
        expect((await call()).status).toBe(200)
      },
      () => emptied(payer),
    )
    await vi.waitFor(async () => expect(await debtOf(payer.address)).toBe(2n * price), 10_000)
    expect((await balanceOf(payer.address)).posted).toBe(0n)
    expect((await call()).status).toBe(402)
    await lawsHold()
    await chain.mint(payer.address, 50_000n)
    await vi.waitFor(async () => expect(await debtOf(payer.address)).toBe(0n), 10_000)
    expect((await balanceOf(payer.address)).available).toBe(3n * price)
    expect((await call()).status).toBe(200)
    await lawsHold()
  })
})

describe('a channel', () => {
  async function opened(payer: wallet.Wallet) {
    const channel = payer.channel()
    const { session } = await offers(sold.url('/channel'))
    const response = await fetch(sold.url('/channel'), { headers: await channel.open(session, price) })
    expect(response.status).toBe(200)
    return channel
  }
  const call = async (channel: wallet.Channel, cumulative: bigint) => {
    const { session } = await offers(sold.url('/channel'))
    return fetch(sold.url('/channel'), { headers: await channel.voucher(session, cumulative) })
  }
  const booked = (channel: wallet.Channel) => sold.gateway.deps.ledger.channel(channel.id)

  test('default: a relayed deposit is sent again, and the channel goes on', async () => {
    const payer = await sold.payer()
    const channel = await reorganise(() => opened(payer))
    await vi.waitFor(
      async () => expect(await channel.onchain()).toMatchObject({ deposit: 1_000_000n }),
      10_000,
    )
    await sold.gateway.settlement.reorg.tick()
    await vi.waitFor(async () => expect((await booked(channel))?.depositMissing).toBe(0n), 10_000)
    expect((await call(channel, 2n * price)).status).toBe(200)
    expect(await sold.audit()).toBe('All holds.')
  })

  test('behavior: one whose nonce was taken is relayed in a new transaction, and counted in the gas budget', async () => {
    const payer = await sold.payer()
    const relayer = chain.accounts[1]
    if (relayer === undefined) throw new Error('unreachable')
    const channel = await reorganise(
      () => opened(payer),
      async () => {
        const hash = await chain.walletClient(relayer).sendTransaction({ to: relayer.address })
        await chain.publicClient.waitForTransactionReceipt({ hash })
      },
    )
    await vi.waitFor(
      async () => expect(await channel.onchain()).toMatchObject({ deposit: 1_000_000n }),
      10_000,
    )
    await vi.waitFor(async () => expect((await booked(channel))?.depositMissing).toBe(0n), 10_000)
    const most = Number.MAX_SAFE_INTEGER
    const take = (limit: number) =>
      sold.gateway.deps.ledger.relays.take({
        payer: payer.address,
        limits: { payer: limit, newcomers: most, total: most },
        since: 0,
        now: Date.now(),
      })
    expect(await take(2)).toMatchObject({ outcome: 'spent', scope: 'payer' })
    expect(await take(3)).toMatchObject({ outcome: 'granted' })
    expect(await sold.audit()).toBe('All holds.')
  })

  test('behavior: a deposit that cannot come back stops the channel, what was spent is debt; it comes back with the deposit', async () => {
    const payer = await sold.payer(1_000_000n)
    const channel = await reorganise(
      async () => {
        const made = await opened(payer)
        expect((await call(made, 3n * price)).status).toBe(200)
        return made
      },
      () => emptied(payer),
    )
    await vi.waitFor(async () => expect(await debtOf(payer.address)).toBe(2n * price), 10_000)
    expect(await booked(channel)).toMatchObject({ depositMissing: 1_000_000n, inDebt: 2n * price })
    sold.upstream.forget()
    const refused = await call(channel, 4n * price)
    expect(refused.status).toBe(402)
    expect(await refused.json()).toMatchObject({ code: 'wallet-in-debt' })
    expect(sold.upstream.seen).toEqual([])
    await lawsHold()

    await chain.mint(payer.address, 1_000_000n)
    await vi.waitFor(async () => expect(await debtOf(payer.address)).toBe(0n), 15_000)
    expect(await booked(channel)).toMatchObject({ depositMissing: 0n, inDebt: 0n, spent: 2n * price })
    expect((await call(channel, 4n * price)).status).toBe(200)
    expect(await sold.audit()).toBe('All holds.')
  })

  test("behavior: the payer's own deposit is the payer's to send again: 503 until then", async () => {
    const payer = await sold.payer()
    const channel = payer.channel()
    const { session } = await offers(sold.url('/channel'))
    await reorganise(async () => {
      const hash = await channel.openOnchain()
      const signature = await channel.sign(1n)
      const said = {
        action: 'open',
        type: 'hash',
        hash,
        salt: channel.salt,
        cumulativeAmount: '1',
        signature,
      }
      expect((await fetch(sold.url('/channel'), { headers: channel.said(session, said) })).status).toBe(200)
    })
    await vi.waitFor(async () => expect((await booked(channel))?.depositMissing).toBe(1_000_000n), 10_000)
    const refused = await call(channel, price)
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).not.toBeNull()
    expect(await refused.json()).toMatchObject({ code: 'deposit-missing', missing: '1000000' })
    await channel.openOnchain()
    await vi.waitFor(async () => expect((await booked(channel))?.depositMissing).toBe(0n), 10_000)
    expect((await call(channel, price)).status).toBe(200)
    expect(await sold.audit()).toBe('All holds.')
  })

  test('behavior: a settlement that is taken back is made again', async () => {
    const payer = await sold.payer()
    const channel = await opened(payer)
    const { settler } = sold.gateway.settlement
    await reorganise(async () => {
      expect(await settler.tick([channel.id])).toMatchObject({ settled: 1 })
      expect(await channel.onchain()).toMatchObject({ settled: price })
    })
    await vi.waitFor(async () => expect(await channel.onchain()).toMatchObject({ settled: price }), 10_000)
    await sold.gateway.settlement.reorg.tick()
    expect(await booked(channel)).toMatchObject({ settled: price, spent: price })
    expect(await sold.audit()).toBe('All holds.')
  })

  test('behavior: a settlement whose nonce another transaction took is made in a new one', async () => {
    const payer = await sold.payer()
    const channel = await opened(payer)
    const { settler } = sold.gateway.settlement
    const relayer = chain.accounts[1]
    if (relayer === undefined) throw new Error('unreachable')
    await reorganise(
      async () => expect(await settler.tick([channel.id])).toMatchObject({ settled: 1 }),
      async () => {
        const hash = await chain.walletClient(relayer).sendTransaction({ to: relayer.address })
        await chain.publicClient.waitForTransactionReceipt({ hash })
      },
    )
    await vi.waitFor(async () => expect(await channel.onchain()).toMatchObject({ settled: price }), 15_000)
    await vi.waitFor(async () => expect(await sold.audit()).toBe('All holds.'), 10_000)
    expect(await booked(channel)).toMatchObject({ settled: price, spent: price })
  })
})
