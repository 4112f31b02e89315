import { randomBytes } from 'node:crypto'
import { type Address, parseAbi, toHex } from 'viem'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import * as Account from '../../gateway/ledger/Account.ts'
import * as Asset from '../../gateway/ledger/Asset.ts'
import * as WithdrawalRequest from '../../gateway/protocol/WithdrawalRequest.ts'
import { deployContract } from '../../scripts/deploy/deploy-token.ts'
import { type Sold, sell } from '../support/sold.ts'
import { offers, type wallet } from '../support/wallet.ts'

/** Credit leaves by itself, to whom its wallet says, once; and the books agree with the chain about it. */

let sold: Sold
beforeAll(async () => {
  sold = await sell([{ path: '/thing', price: '1' }], {
    override: {
      withdrawals: { minimum: '0.5', dailyPerWallet: '10', dailyTotal: '1000', holdAbove: '5' },
    },
  })
})
afterAll(() => sold?.close())

type Body = Record<string, unknown>
const withdrawals = () => `${sold.gateway.url}/farthing/withdrawals`

async function ask(body: Body, headers: Record<string, string> = {}) {
  const response = await fetch(withdrawals(), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  return { status: response.status, response, body: (await response.json()) as Body }
}

async function status(id: unknown): Promise<Body> {
  return (await fetch(`${withdrawals()}/${String(id)}`)).json() as Promise<Body>
}

async function reaches(id: unknown, state: string): Promise<Body> {
  return vi.waitFor(
    async () => {
      const now = await status(id)
      expect(now.state).toBe(state)
      return now
    },
    { timeout: 20_000, interval: 50 },
  )
}

async function rich(amount = '8'): Promise<{ payer: wallet.Wallet; token: string }> {
  const payer = await sold.payer(20_000_000n)
  const toppedUp = await payer.topUp(sold.gateway.url, amount)
  expect(toppedUp.status, await toppedUp.text()).toBe(200)
  return { payer, token: await payer.signIn(sold.gateway.url) }
}

const session = (token: string, key = crypto.randomUUID()) => ({
  authorization: `Bearer ${token}`,
  'idempotency-key': key,
})

const credit = async (address: Address) =>
  sold.gateway.deps.ledger.balance(Account.wallet(address), Asset.of(sold.chain.chainId, sold.chain.token))

async function signed(payer: wallet.Wallet, change: Partial<WithdrawalRequest.WithdrawalRequest> = {}) {
  const message = {
    wallet: payer.address,
    payee: sold.gateway.deps.chain.payee,
    token: sold.chain.token,
    amount: 2_000_000n,
    to: payer.address,
    nonce: toHex(randomBytes(32)),
    deadline: BigInt(Math.floor(Date.now() / 1000) + 3_600),
    ...change,
  }
  const domain = { chainId: sold.chain.chainId, escrow: sold.chain.escrow }
  const signature = await payer.account.signTypedData(WithdrawalRequest.typedData(domain, message))
  const { wallet: from, nonce, deadline } = message
  return { wallet: from, nonce, deadline: Number(deadline), signature }
}

describe('POST /farthing/withdrawals', () => {
  test('default: pays credit out on chain to the wallet that is signed in; the books agree', async () => {
    const { payer, token } = await rich('8')
    const before = await payer.balance()
    const asked = await ask({ amount: '3', symbol: 'USD' }, session(token))
    expect(asked.status).toBe(202)
    expect(asked.body).toMatchObject({ wallet: payer.address, to: payer.address, amount: '3000000' })
    const paid = await reaches(asked.body.id, 'paid')
    expect(paid.transaction).toMatch(/^0x[0-9a-f]{64}$/)
    expect((await payer.balance()) - before).toBe(3_000_000n)
    expect(await credit(payer.address)).toEqual({ posted: 5_000_000n, available: 5_000_000n })
    expect(await sold.audit()).toBe('All holds.')
    const listed = await fetch(withdrawals(), { headers: { authorization: `Bearer ${token}` } })
    expect(await listed.json()).toMatchObject({ withdrawals: [{ id: asked.body.id, state: 'paid' }] })
  })

  test('behavior: asked twenty times at once under one key, it is paid once', async () => {
    const { payer, token } = await rich('8')
    const before = await payer.balance()
    const headers = session(token)
    const all = await Promise.all(
      Array.from({ length: 20 }, () => ask({ amount: '1', symbol: 'USD' }, headers)),
    )
    expect(new Set(all.map(({ body }) => body.id)).size).toBe(1)
    expect(all.map(({ status: code }) => code).filter((code) => code === 202)).toHaveLength(1)
    await reaches(all[0]?.body.id, 'paid')
    expect((await payer.balance()) - before).toBe(1_000_000n)
    const again = await ask({ amount: '1', symbol: 'USD' }, headers)
    expect(again).toMatchObject({ status: 200, body: { id: all[0]?.body.id, state: 'paid' } })
    expect((await ask({ amount: '2', symbol: 'USD' }, headers)).body.code).toBe('withdrawal-conflict')
  })

  test('behavior: twenty different ones at once never take out more than there is', async () => {
    const { payer, token } = await rich('4')
    const all = await Promise.all(
      Array.from({ length: 20 }, () => ask({ amount: '1', symbol: 'USD' }, session(token))),
    )
    const taken = all.filter(({ status: code }) => code === 202)
    expect(taken).toHaveLength(4)
    expect(all.find(({ status: code }) => code !== 202)?.body.code).toBe('insufficient-credit')
    for (const { body } of taken) await reaches(body.id, 'paid')
    expect(await credit(payer.address)).toEqual({ posted: 0n, available: 0n })
    expect(await sold.audit()).toBe('All holds.')
  })

  test('behavior: a signed request pays somebody else, without a session, and its nonce works once', async () => {
    const { payer } = await rich('8')
    const other = await sold.payer(0n)
    const proof = await signed(payer, { to: other.address })
    const body = { amount: '2', symbol: 'USD', to: other.address, signed: proof }
    const asked = await ask(body)
    expect(asked.status).toBe(202)
    await reaches(asked.body.id, 'paid')
    expect(await other.balance()).toBe(2_000_000n)
    expect(await ask(body)).toMatchObject({ status: 200, body: { id: asked.body.id } })
    const twin = await signed(payer, { nonce: proof.nonce, amount: 1_000_000n })
    const reused = await ask({ amount: '1', symbol: 'USD', signed: twin })
    expect(reused).toMatchObject({ status: 409, body: { code: 'withdrawal-conflict' } })
    expect(await other.balance()).toBe(2_000_000n)
  })

  test('behavior: a contract wallet signs (ERC-1271)', async () => {
    const owner = await sold.payer(20_000_000n)
    const { chain } = sold
    const [deployer] = chain.accounts
    if (deployer === undefined) throw new Error('no account')
    const clients = { walletClient: chain.walletClient(deployer), publicClient: chain.publicClient }
    const { address } = await deployContract({
      ...clients,
      name: 'TestWallet',
      args: [owner.account.address],
    })
    const contract = address.toLowerCase() as Address
    // Credit of the contract's own: granted by a charge that failed after it had moved.
    const asset = Asset.of(chain.chainId, chain.token)
    const { ledger } = sold.gateway.deps
    await owner.topUp(sold.gateway.url, '3')
    await giveCredit(owner.address, contract, 3_000_000n)
    expect((await ledger.balance(Account.wallet(contract), asset)).available).toBe(3_000_000n)
    const proof = await signed({ ...owner, address: contract }, { amount: 3_000_000n, to: contract })
    const asked = await ask({ amount: '3', symbol: 'USD', signed: proof })
    expect(asked.status).toBe(202)
    await reaches(asked.body.id, 'paid')
    const abi = parseAbi(['function balanceOf(address) view returns (uint256)'])
    expect(
      await chain.publicClient.readContract({
        address: chain.token,
        abi,
        functionName: 'balanceOf',
        args: [contract],
      }),
    ).toBe(3_000_000n)
  })

  test('behavior: above the threshold it waits for an operator, who approves or rejects it in the books', async () => {
    const { payer, token } = await rich('9')
    const { withdrawals: book } = sold.gateway.deps.ledger
    const before = await payer.balance()
    const asked = await ask({ amount: '6', symbol: 'USD' }, session(token))
    expect(asked.body.state).toBe('held-for-operator')
    await sold.gateway.settlement.withdrawals.tick()
    expect(await status(asked.body.id)).toMatchObject({ state: 'held-for-operator' })
    expect((await credit(payer.address)).available).toBe(3_000_000n)
    await book.approve(String(asked.body.id), Date.now())
    await reaches(asked.body.id, 'paid')
    expect((await payer.balance()) - before).toBe(6_000_000n)
    expect(await book.reject(String(asked.body.id), 'too late')).toMatchObject({ state: 'paid' })
  })

  test('behavior: one that is rejected gives the credit back', async () => {
    const { payer, token } = await rich('9')
    const asked = await ask({ amount: '6', symbol: 'USD' }, session(token))
    await sold.gateway.deps.ledger.withdrawals.reject(String(asked.body.id), 'Rejected by an operator.')
    expect(await status(asked.body.id)).toMatchObject({ state: 'failed', reason: 'Rejected by an operator.' })
    expect((await credit(payer.address)).available).toBe(9_000_000n)
    expect(await sold.audit()).toBe('All holds.')
  })

  test('error: limits, and what is not there', async () => {
    const { token } = await rich('12')
    const tooSmall = await ask({ amount: '0.4', symbol: 'USD' }, session(token))
    expect(tooSmall).toMatchObject({ status: 400, body: { code: 'withdrawal-too-small', minimum: '500000' } })
    const tooMuch = await ask({ amount: '10.5', symbol: 'USD' }, session(token))
    expect(tooMuch).toMatchObject({ status: 429, body: { code: 'withdrawal-limit', left: '10' } })
    expect(tooMuch.response.headers.get('retry-after')).toBe('3600')
    const first = await ask({ amount: '4', symbol: 'USD' }, session(token))
    expect(first.status).toBe(202)
    const second = await ask({ amount: '7', symbol: 'USD' }, session(token))
    expect(second.body).toMatchObject({ code: 'withdrawal-limit', left: '6' })
    const absent = await ask({ amount: '9', symbol: 'DAI' }, session(token))
    expect(absent).toMatchObject({ status: 409, body: { code: 'insufficient-credit', available: '0' } })
    for (const [amount, symbol] of [
      ['1', 'XYZ'],
      ['1e3', 'USD'],
      ['-1', 'USD'],
      ['0', 'USD'],
    ])
      expect((await ask({ amount, symbol }, session(token))).status, `${amount} ${symbol}`).toBe(400)
    await reaches(first.body.id, 'paid')
  })

  test('error: a session pays nobody but its own wallet, and not without an Idempotency-Key', async () => {
    const { payer, token } = await rich('3')
    const thief = await sold.payer(0n)
    const stolen = await ask({ amount: '1', symbol: 'USD', to: thief.address }, session(token))
    expect(stolen).toMatchObject({ status: 403, body: { code: 'signature-needed' } })
    const unnamed = await ask({ amount: '1', symbol: 'USD' }, { authorization: `Bearer ${token}` })
    expect(unnamed).toMatchObject({ status: 400, body: { code: 'idempotency-key-needed' } })
    expect((await ask({ amount: '1', symbol: 'USD' })).status).toBe(401)
    expect((await credit(payer.address)).available).toBe(3_000_000n)
  })

  test('error: a signature over other terms, by somebody else, or past its deadline', async () => {
    const { payer } = await rich('3')
    const thief = await sold.payer(0n)
    const good = await signed(payer)
    const body = { amount: '2', symbol: 'USD', signed: good }
    const past = BigInt(Math.floor(Date.now() / 1000) - 1)
    const bent: Body[] = [
      { ...body, amount: '2.5' },
      { ...body, symbol: 'DAI' },
      { ...body, to: thief.address },
      { ...body, signed: { ...good, wallet: thief.address } },
      { ...body, signed: { ...good, nonce: toHex(randomBytes(32)) } },
      { ...body, signed: { ...good, deadline: good.deadline + 1 } },
      { ...body, signed: await signed(payer, { payee: thief.address }) },
      { ...body, signed: await signed(payer, { deadline: past }) },
    ]
    for (const one of bent)
      expect((await ask(one)).body.code, JSON.stringify(one)).toBe('withdrawal-unauthorised')
    for (const to of [
      sold.chain.escrow,
      sold.chain.token,
      sold.gateway.deps.chain.payee,
      `0x${'0'.repeat(40)}`,
    ])
      expect((await ask({ ...body, to })).body.code).toBe('recipient-refused')
    expect((await credit(payer.address)).available).toBe(3_000_000n)
  })

  test('error: an id that does not exist, in any form, is one and the same 404', async () => {
    const texts = await Promise.all(
      ['wd_AAAAAAAAAAAAAAAAAAAAAA', 'wd_x', 'pay_AAAAAAAAAAAAAAAAAAAAAA', '%00'].map(async (id) => {
        const response = await fetch(`${withdrawals()}/${id}`)
        return [response.status, await response.text()]
      }),
    )
    for (const text of texts) expect(text).toEqual(texts[0])
    expect(texts[0]?.[0]).toBe(404)
  })
})

/** Moves credit on a route that earns for another wallet: the shortest honest way to give a contract some. */
async function giveCredit(from: Address, to: Address, amount: bigint): Promise<void> {
  const { ledger, clock } = sold.gateway.deps
  const id = `pay_${randomBytes(16).toString('base64url')}`
  await ledger.claim({
    id,
    key: `test:${id}`,
    fingerprint: id,
    dialect: 'session',
    wallet: from,
    route: 'gift',
    asset: Asset.of(sold.chain.chainId, sold.chain.token),
    amount,
    earns: Account.wallet(to),
    now: clock.now(),
    from: { rail: 'balance' },
  })
  await ledger.capture({ paymentId: id, amount, complete: true })
}

describe('a 402', () => {
  test('behavior: tells a wallet that has proven itself what credit it has, and nobody else', async () => {
    const { payer, token } = await rich('0.5')
    const own = await offers(sold.url('/thing'), { headers: { 'farthing-session': token } })
    expect(own.problem).toMatchObject({
      credit: { available: '500000', formatted: '0.5', symbol: 'USD', withdraw: withdrawals() },
      brokenStream: 'free',
    })
    const { charge } = await offers(sold.url('/thing'))
    // It names the wallet as the payer, and another has signed.
    const claimed = await payer.charge(charge, {}, { signature: `0x${'11'.repeat(64)}1b` })
    const response = await fetch(sold.url('/thing'), { headers: claimed })
    expect(response.status).toBe(402)
    expect(await response.json()).not.toHaveProperty('credit')
  })
})
