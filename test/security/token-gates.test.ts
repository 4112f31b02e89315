import { parseAbi } from 'viem'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import * as Credential from '../../gateway/protocol/mpp/Credential.ts'
import { type LocalChain, startChain } from '../support/chain.ts'
import { type Sold, sell } from '../support/sold.ts'
import { offers, offersOf, type wallet } from '../support/wallet.ts'

/** Attack 29 and its neighbours: getting in by another wallet's token. The promise: what only holders may have, only holders get. */

let chain: LocalChain
let sold: Sold
let holder: wallet.Wallet
let stranger: wallet.Wallet
beforeAll(async () => {
  chain = await startChain({ accounts: 20 })
  sold = await sell(
    [
      { path: '/members', price: '0.01', gate: { standard: 'erc721', token: chain.nft, effect: 'required' } },
      { path: '/perk', price: '0.01', gate: { standard: 'erc721', token: chain.nft, effect: 'free' } },
      { path: '/public', price: '0.01' },
    ],
    { chain },
  )
  holder = await sold.payer()
  stranger = await sold.payer()
  const [deployer] = chain.accounts
  if (deployer === undefined) throw new Error('no deployer')
  const hash = await chain.walletClient(deployer).writeContract({
    address: chain.nft,
    abi: parseAbi(['function mint(address to)']),
    functionName: 'mint',
    args: [holder.address],
  })
  await chain.publicClient.waitForTransactionReceipt({ hash })
})
afterAll(async () => {
  await sold?.close()
  await chain?.close()
})
afterEach(() => sold.upstream.forget())

/** Offers of the gated call, which are shown to who is let through the gate. */
async function gatedOffers() {
  const token = await holder.signIn(sold.gateway.url)
  // x402 and charge only: a bearer would pay from its balance where there is one.
  return offersOf(await fetch(sold.url('/members'), { headers: { authorization: `Bearer ${token}` } }))
}

const withPayload = (headers: Record<string, string>, change: Record<string, unknown>) => {
  const credential = Credential.parse(Credential.token(headers.authorization ?? '') ?? '')
  return {
    authorization: Credential.serialize({ ...credential, payload: { ...credential.payload, ...change } }),
  }
}
const get = (headers: Record<string, string>, path = '/members') => fetch(sold.url(path), { headers })

describe('a gate', () => {
  test("error: a holder's name beside a stranger's voucher does not open it", async () => {
    const { session } = await gatedOffers()
    const channel = stranger.channel()
    const open = await channel.open((await offers(sold.url('/public'))).session, 10_000n)
    expect((await get(open, '/public')).status).toBe(200)
    sold.upstream.forget()
    const voucher = await channel.voucher(session, 20_000n)
    const authorization = {
      from: holder.address,
      to: holder.address,
      value: '1',
      validAfter: '0',
      validBefore: '1',
      nonce: channel.salt,
    }
    for (const change of [{}, { from: holder.address }, { authorization }]) {
      const response = await get(withPayload(voucher, change))
      expect(response.status).toBe(403)
    }
    // An opening of a channel that is open already is not looked at again, and so proves nobody.
    const opening = await channel.open(session, 20_000n)
    const signer = { authorizedSigner: stranger.address, authorization: { ...authorization, value: '20000' } }
    expect((await get(withPayload(opening, signer))).status).toBe(403)
    expect(sold.upstream.seen).toEqual([])
  })

  test("error: a holder's name in a stranger's transfer does not open it", async () => {
    const { charge, x402 } = await gatedOffers()
    const paid = await stranger.charge(charge)
    expect((await get(paid)).status).toBe(403)
    expect([402, 403]).toContain(
      (await get(withPayload(paid, { authorization: { from: holder.address } }))).status,
    )
    expect([402, 403]).toContain((await get(await stranger.exact(x402, {}, { from: holder.address }))).status)
    expect([402, 403]).toContain((await get(await stranger.exact(x402, { from: holder.address }))).status)
    expect(sold.upstream.seen).toEqual([])
  })

  test("default: the holder's own payment opens it, on every rail that proves its payer", async () => {
    const { charge, x402 } = await gatedOffers()
    expect((await get(await holder.charge(charge))).status).toBe(200)
    expect((await get(await holder.exact(x402))).status).toBe(200)
    expect(sold.upstream.seen.map(({ headers }) => headers['x-farthing-wallet'])).toEqual([
      holder.address,
      holder.address,
    ])
  })

  test('error: a perk is for who has signed in, not for who is named; its answer stays out of shared caches', async () => {
    sold.upstream.answerHeaders = { 'cache-control': 'public, max-age=3600' }
    const token = await holder.signIn(sold.gateway.url)
    const free = await get({ authorization: `Bearer ${token}` }, '/perk')
    expect(free.status).toBe(200)
    expect(free.headers.get('cache-control')).toBe('private, max-age=3600')
    const { charge } = await offers(sold.url('/perk'))
    expect(
      (await get(withPayload(await stranger.charge(charge), { from: holder.address }), '/perk')).status,
    ).toBe(402)
    expect(sold.upstream.seen).toHaveLength(1)
  })
})
