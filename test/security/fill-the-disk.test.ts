import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type LocalChain, startChain } from '../support/chain.ts'
import { startGateway } from '../support/gateway.ts'
import { type RecordingUpstream, recordingUpstream } from '../support/recording-upstream.ts'
import { offers, wallet } from '../support/wallet.ts'

/** Promise: what is kept for callers is bounded in size, in age and in all; and a payment is never charged twice for that. */

let chain: LocalChain
let upstream: RecordingUpstream
let directory: string
beforeAll(async () => {
  chain = await startChain({ accounts: 4 })
  upstream = await recordingUpstream()
  directory = await mkdtemp(join(tmpdir(), 'farthing-disk-'))
})
afterAll(async () => {
  await upstream?.close()
  await chain?.close()
  await rm(directory, { recursive: true, force: true })
})

describe('a payer that fills the disk with answers', () => {
  test('error: the oldest are gone, their payments say so and cost nothing again, and the newest are still given', async () => {
    const account = chain.accounts[2]
    if (account === undefined) throw new Error('The chain has no account left.')
    await chain.mint(account.address, 10_000_000n)
    const payer = wallet(account, chain)
    const shared = { chain, directory, secret: randomBytes(32).toString('base64') }
    const routes = [{ path: '/thing', price: '0.01', upstream: upstream.url }]
    upstream.answerHeaders = { 'x-padding': 'x'.repeat(4_000) }
    const first = await startGateway({ ...shared, routes })
    const credentials: Record<string, string>[] = []
    for (let call = 0; call < 4; call += 1) {
      const headers = await payer.charge((await offers(`${first.url}/thing?${call}`)).charge)
      const response = await fetch(`${first.url}/thing?${call}`, { headers })
      expect(response.status).toBe(200)
      credentials.push(headers)
      await response.text()
    }
    const before = await payer.balance()
    await first.end()

    const override = {
      publicUrl: first.url,
      listen: { port: Number(new URL(first.url).port) },
      // Each is larger than 4,000: there is room for two.
      limits: { storedAnswersTotalBytes: 11_000 },
    }
    const second = await startGateway({ ...shared, routes, override })
    const again = (call: number) => {
      const headers = credentials[call] ?? {}
      return fetch(`${first.url}/thing?${call}`, { headers })
    }
    try {
      await vi.waitFor(async () => expect((await again(0)).status).toBe(409), { timeout: 20_000 })
      const statuses = await Promise.all([0, 1, 2, 3].map(async (call) => (await again(call)).status))
      expect(statuses).toEqual([409, 409, 200, 200])
      expect(await (await again(0)).json()).toMatchObject({ code: 'already-delivered', charged: '10000' })
      expect(await payer.balance()).toBe(before)
      expect(upstream.seen).toHaveLength(4)
    } finally {
      await second.end()
    }
  })
})
