import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type LocalChain, startChain } from '../support/chain.ts'
import { startGateway } from '../support/gateway.ts'
import { type RecordingUpstream, recordingUpstream } from '../support/recording-upstream.ts'
import { offers, wallet } from '../support/wallet.ts'

/** What a payment bought is still there after the gateway was restarted. */

let chain: LocalChain
let upstream: RecordingUpstream
let directory: string
beforeAll(async () => {
  chain = await startChain({ accounts: 4 })
  upstream = await recordingUpstream()
  directory = await mkdtemp(join(tmpdir(), 'farthing-restart-'))
})
afterAll(async () => {
  await upstream.close()
  await chain.close()
  await rm(directory, { recursive: true, force: true })
})

describe('a gateway that was restarted', () => {
  test('default: gives the stored answer and the payment’s status again, uncharged, and takes up what is to be paid out', async () => {
    const [, , account] = chain.accounts
    if (account === undefined) throw new Error('no account')
    await chain.mint(account.address, 10_000_000n)
    const payer = wallet(account, chain)
    const shared = {
      chain,
      directory,
      secret: randomBytes(32).toString('base64'),
      routes: [{ path: '/thing', price: '0.01', upstream: upstream.url }],
    }
    const first = await startGateway({ ...shared, override: { withdrawals: { holdAbove: '1' } } })
    const { charge } = await offers(`${first.url}/thing`)
    const headers = await payer.charge(charge)
    const bought = await fetch(`${first.url}/thing`, { headers })
    const text = await bought.text()
    await payer.topUp(first.url, '3')
    const asked = await fetch(`${first.url}/farthing/withdrawals`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await payer.signIn(first.url)}`, 'idempotency-key': 'one' },
      body: JSON.stringify({ amount: '2', symbol: 'USD' }),
    })
    const { id, state } = (await asked.json()) as { id: string; state: string }
    expect(state).toBe('held-for-operator')
    await first.end()
    const before = await payer.balance()

    const override = { publicUrl: first.url, listen: { port: Number(new URL(first.url).port) } }
    const second = await startGateway({ ...shared, override })
    const again = await fetch(`${first.url}/thing`, { headers })
    expect(again.status).toBe(200)
    expect(again.headers.get('farthing-replayed')).toBe('true')
    expect(await again.text()).toBe(text)
    expect(upstream.seen).toHaveLength(1)
    const claims = String(again.headers.get('farthing-receipt')?.split('.')[1])
    const { jti } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { jti: string }
    const status = await fetch(`${first.url}/farthing/payments/${jti}`)
    expect(await status.json()).toMatchObject({ status: 'delivered', charged: '10000' })
    const held = await second.deps.ledger.withdrawals.approve(id, Date.now())
    expect(held).toMatchObject({ state: 'requested' })
    const now = () => second.deps.ledger.withdrawals.withdrawal(id)
    await vi.waitFor(async () => expect(await now()).toMatchObject({ state: 'paid' }), { timeout: 20_000 })
    expect((await payer.balance()) - before).toBe(2_000_000n)
    await second.end()
  })
})
