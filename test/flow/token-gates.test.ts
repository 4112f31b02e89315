import { type Address, parseAbi } from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type LocalChain, startChain } from '../support/chain.ts'
import { type Sold, sell } from '../support/sold.ts'
import { offers, offersOf, type wallet } from '../support/wallet.ts'

/** Who holds a token gets in, gets it free, or pays less. The promise: the effect is the holder's, and ends with the holding. */

let chain: LocalChain
let sold: Sold
let holder: wallet.Wallet
let stranger: wallet.Wallet
let bearers: { holder: Record<string, string>; stranger: Record<string, string> }

const standards = ['erc20', 'erc721', 'erc1155'] as const
type Standard = (typeof standards)[number]

beforeAll(async () => {
  chain = await startChain({ accounts: 8 })
  const gates = {
    erc20: { standard: 'erc20', token: chain.token18, minimum: '5000000000000000000' },
    erc721: { standard: 'erc721', token: chain.nft },
    erc1155: { standard: 'erc1155', token: chain.multiToken, id: '7', minimum: '2' },
  } as const
  sold = await sell(
    standards.flatMap((standard) => [
      {
        path: `/${standard}/required`,
        price: '0.01',
        gate: { ...gates[standard], effect: 'required' as const },
      },
      { path: `/${standard}/free`, price: '0.01', gate: { ...gates[standard], effect: 'free' as const } },
      { path: `/${standard}/price`, price: '0.01', gate: { ...gates[standard], effect: { price: '0.002' } } },
    ]),
    { chain },
  )
  holder = await sold.payer()
  stranger = await sold.payer()
  await hold(holder.address)
  const bearer = async (who: wallet.Wallet) => ({
    authorization: `Bearer ${await who.signIn(sold.gateway.url)}`,
  })
  bearers = { holder: await bearer(holder), stranger: await bearer(stranger) }
})
afterAll(async () => {
  await sold?.close()
  await chain?.close()
})

async function hold(to: Address): Promise<void> {
  const [deployer] = chain.accounts
  if (deployer === undefined) throw new Error('no deployer')
  const client = chain.walletClient(deployer)
  await chain.mint(to, 5n * 10n ** 18n, chain.token18)
  for (const hash of [
    await client.writeContract({
      address: chain.nft,
      abi: parseAbi(['function mint(address to)']),
      functionName: 'mint',
      args: [to],
    }),
    await client.writeContract({
      address: chain.multiToken,
      abi: parseAbi(['function mint(address to, uint256 id, uint256 amount)']),
      functionName: 'mint',
      args: [to, 7n, 2n],
    }),
  ])
    await chain.publicClient.waitForTransactionReceipt({ hash })
}

const ask = (standard: Standard, effect: string, headers: Record<string, string> = {}) =>
  fetch(sold.url(`/${standard}/${effect}`), { headers })
const priceFor = async (standard: Standard, headers?: Record<string, string>) => {
  const { x402 } = await offersOf(await ask(standard, 'price', headers))
  return x402.accepts[0]?.amount
}

describe.each(standards)('an %s gate', (standard) => {
  test('default: required: 401 says how to sign in, 403 what to hold, and a holder may pay', async () => {
    const unknown = await ask(standard, 'required')
    expect(unknown.status).toBe(401)
    expect(await unknown.json()).toMatchObject({
      code: 'sign-in-needed',
      signIn: `${sold.gateway.url}/farthing/sign-in`,
      hold: { standard, minimum: expect.stringMatching(/^\d+$/) },
    })
    const without = await ask(standard, 'required', bearers.stranger)
    expect(without.status).toBe(403)
    expect(await without.json()).toMatchObject({ code: 'holding-needed', hold: { standard } })
    const asked = await ask(standard, 'required', bearers.holder)
    expect(asked.status).toBe(402)
    const { charge } = await offersOf(asked)
    expect((await ask(standard, 'required', await holder.charge(charge))).status).toBe(200)
  })

  test('behavior: free: costs nothing with the token, and its price without', async () => {
    expect((await ask(standard, 'free', bearers.holder)).status).toBe(200)
    expect((await ask(standard, 'free', bearers.stranger)).status).toBe(402)
    expect((await ask(standard, 'free')).status).toBe(402)
  })

  test("behavior: price: the holder's price is offered to the holder alone, and nobody else can take it up", async () => {
    expect(await priceFor(standard, bearers.holder)).toBe('2000')
    expect(await priceFor(standard, bearers.stranger)).toBe('10000')
    expect(await priceFor(standard)).toBe('10000')
    const { charge, x402 } = await offersOf(await ask(standard, 'price', bearers.holder))
    expect((await ask(standard, 'price', await stranger.charge(charge))).status).toBe(402)
    expect((await ask(standard, 'price', await stranger.exact(x402))).status).toBe(402)
    const { authorization: paid = '' } = await holder.charge(charge)
    const session = bearers.holder.authorization?.replace('Bearer ', '') ?? ''
    expect((await ask(standard, 'price', { authorization: paid, 'farthing-session': session })).status).toBe(
      200,
    )
  })
})

describe('a gate', () => {
  test('behavior: what it gives ends when the token leaves', async () => {
    expect((await ask('erc20', 'free', bearers.holder)).status).toBe(200)
    const hash = await chain.walletClient(holder.account).writeContract({
      address: chain.token18,
      abi: parseAbi(['function transfer(address to, uint256 value) returns (bool)']),
      functionName: 'transfer',
      args: [stranger.address, 1n],
    })
    await chain.publicClient.waitForTransactionReceipt({ hash })
    expect((await ask('erc20', 'free', bearers.holder)).status).toBe(402)
    expect((await ask('erc20', 'required', bearers.holder)).status).toBe(403)
    expect((await offers(sold.url('/erc20/free'))).status).toBe(402)
  })
})
