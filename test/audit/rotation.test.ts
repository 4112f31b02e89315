import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMemoryStore, createPayingFetch, ReceiptError } from '../../client/index.ts'
import * as SignedReceipt from '../../gateway/protocol/SignedReceipt.ts'
import { type LocalChain, startChain } from '../support/chain.ts'
import { offers, wallet } from '../support/wallet.ts'
import { house, secret } from './house.ts'

let chain: LocalChain
beforeAll(async () => {
  chain = await startChain({ accounts: 8 })
})
afterAll(() => chain.close())

async function payer(index: number) {
  const account = chain.accounts[index]
  if (account === undefined) throw new Error('The chain has no such account.')
  await chain.mint(account.address, 10_000_000n)
  return wallet(account, chain)
}

type Stated = { receiptKey: SignedReceipt.PublicKey; previousReceiptKeys: SignedReceipt.PublicKey[] }
const discover = async (url: string) => (await (await fetch(`${url}/farthing`)).json()) as Stated

describe('a secret that is rotated', () => {
  test('behavior: unexpired challenges, stored answers and receipts of the previous one stay good', async () => {
    const place = await house(chain)
    const [first, second] = [secret(), secret()]
    const before = await place.start({}, { SECRET: first })
    const buyer = await payer(2)
    const paidCall = await offers(`${place.url}/call/paid`)
    const credential = await buyer.charge(paidCall.charge)
    const paid = await fetch(`${place.url}/call/paid`, { headers: credential })
    expect(paid.status).toBe(200)
    const answer = await paid.text()
    const receipt = paid.headers.get(SignedReceipt.header) ?? ''
    const open = await offers(`${place.url}/call/open`)
    const old = await discover(place.url)
    expect(old.previousReceiptKeys).toEqual([])
    await before.stop()

    const after = await place.start(
      { previousSecrets: [{ env: 'PREVIOUS' }] },
      { SECRET: second, PREVIOUS: first },
    )
    const now = await discover(place.url)
    expect(now.receiptKey).not.toEqual(old.receiptKey)
    expect(now.previousReceiptKeys).toEqual([old.receiptKey])
    // The offer made under the previous secret is taken up, and its receipt is signed by the current one.
    const late = await fetch(`${place.url}/call/open`, { headers: await buyer.charge(open.charge) })
    expect(late.status).toBe(200)
    await SignedReceipt.verify(late.headers.get(SignedReceipt.header) ?? '', now.receiptKey)
    // The answer sealed under the previous secret opens; the call is not made again.
    const calls = place.upstream.seen.length
    const again = await fetch(`${place.url}/call/paid`, { headers: credential })
    expect([again.status, await again.text()]).toEqual([200, answer])
    expect(place.upstream.seen).toHaveLength(calls)
    // A receipt from before verifies by the keys that are stated now.
    const [previous] = now.previousReceiptKeys
    if (previous === undefined) throw new Error('No previous key is stated.')
    expect((await SignedReceipt.verify(receipt, previous)).rail).toBe('charge')
    // The trail says it, by public keys alone.
    const [note] = await after.deps.ledger.notes('secret-rotated')
    expect(note?.body).toEqual({ from: old.receiptKey.x, to: now.receiptKey.x, honoured: true })
  })

  test('error: a challenge of a secret that is neither the current nor a previous one is refused', async () => {
    const place = await house(chain)
    const before = await place.start({}, { SECRET: secret() })
    const { charge } = await offers(`${place.url}/call/open`)
    await before.stop()
    await place.start({ previousSecrets: [{ env: 'PREVIOUS' }] }, { SECRET: secret(), PREVIOUS: secret() })
    const buyer = await payer(3)
    const refused = await fetch(`${place.url}/call/open`, { headers: await buyer.charge(charge) })
    expect(refused.status).toBe(402)
    expect(await refused.json()).toMatchObject({ code: 'invalid-challenge' })
    expect(place.upstream.seen).toEqual([])
  })

  test('behavior: a client that pinned the previous key follows to the current one, and to no other', async () => {
    const place = await house(chain)
    const [first, second] = [secret(), secret()]
    const account = chain.accounts[5]
    if (account === undefined) throw new Error('The chain has no such account.')
    await chain.mint(account.address, 10_000_000n)
    const limits = { perCall: 10_000n, perDay: 1_000_000n }
    const pay = createPayingFetch({ account, limits, store: createMemoryStore(), rails: ['charge'] })
    const before = await place.start({}, { SECRET: first })
    expect((await pay(`${place.url}/call/a`)).status).toBe(200)
    await before.stop()
    const after = await place.start(
      { previousSecrets: [{ env: 'PREVIOUS' }] },
      { SECRET: second, PREVIOUS: first },
    )
    expect((await pay(`${place.url}/call/b`)).status).toBe(200)
    await after.stop()
    // Nobody with a key of their own can say that the pinned one was rotated.
    await place.start({ previousSecrets: [{ env: 'PREVIOUS' }] }, { SECRET: secret(), PREVIOUS: secret() })
    await expect(pay(`${place.url}/call/c`)).rejects.toThrow(ReceiptError)
  })

  test('behavior: new challenges are made under the current secret alone', async () => {
    const place = await house(chain)
    const [first, second] = [secret(), secret()]
    const during = await place.start(
      { previousSecrets: [{ env: 'PREVIOUS' }] },
      { SECRET: second, PREVIOUS: first },
    )
    const { charge } = await offers(`${place.url}/call/open`)
    await during.stop()
    // The operator goes back by mistake: what the new secret made is not honoured by the old one.
    await place.start({}, { SECRET: first })
    const buyer = await payer(4)
    expect((await fetch(`${place.url}/call/open`, { headers: await buyer.charge(charge) })).status).toBe(402)
  })
})
