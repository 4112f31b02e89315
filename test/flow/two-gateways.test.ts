import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { ConfigInput } from '../../gateway/config/define-config.ts'
import { auditGateway } from '../../scripts/audit/audit-gateway.ts'
import { type LocalChain, startChain } from '../support/chain.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { type RecordingUpstream, recordingUpstream } from '../support/recording-upstream.ts'
import { offers, type wallet as Wallet, wallet } from '../support/wallet.ts'

/** Two gateways on one ledger, of which one leads: what the other one is asked for is done all the same. */

const price = 10_000n
const secret = Buffer.alloc(32, 7).toString('base64')
const asked = { timeout: 20_000, interval: 20 }

let chain: LocalChain
let upstream: RecordingUpstream
let directory: string
let leader: TestGateway
let other: TestGateway
let next = 2

const start = (): Promise<TestGateway> =>
  startGateway({
    chain,
    directory,
    secret,
    routes: [
      { path: '/call', price: '0.01', upstream: upstream.url, stopOnDrift: true },
    ] as ConfigInput['routes'],
    override: {
      settlement: { threshold: '100', maxAgeSeconds: 86_400, everyMs: 600_000 },
      exposure: { perChannel: '0.02', contractSigner: '0.01', total: '10' },
      withdrawals: { minimum: '0.1', dailyPerWallet: '10', dailyTotal: '1000', holdAbove: '5' },
      audit: { everySeconds: 86_400 },
    },
  })

beforeAll(async () => {
  chain = await startChain({ accounts: 12 })
  upstream = await recordingUpstream()
  directory = await mkdtemp(join(tmpdir(), 'farthing-two-'))
  leader = await start()
  other = await start()
})
afterAll(async () => {
  await other?.end()
  await leader?.end()
  await upstream?.close()
  await chain?.close()
  await rm(directory, { recursive: true, force: true })
})

async function payer(): Promise<Wallet.Wallet> {
  const account = chain.accounts[next]
  next += 1
  if (account === undefined) throw new Error('The chain has no account left.')
  await chain.mint(account.address, 10_000_000n)
  return wallet(account, chain)
}

/** A channel that was opened at the one that does not lead. */
async function opened() {
  const channel = (await payer()).channel()
  const url = `${other.url}/call`
  const { session } = await offers(url)
  const call = async (cumulative: bigint) =>
    fetch(url, { headers: await channel.voucher(session, cumulative) })
  expect((await fetch(url, { headers: await channel.open(session, price) })).status).toBe(200)
  return { channel, session, url, call }
}

describe('the one that does not lead', () => {
  test('default: the first one leads', () => {
    expect([leader.membership.leads(), other.membership.leads()]).toEqual([true, false])
  })

  test('behavior: a channel at its cap is settled from where the call waits', async () => {
    const { channel, call } = await opened()
    expect((await call(2n * price)).status).toBe(200)
    expect((await call(3n * price)).status).toBe(503)
    await vi.waitFor(async () => expect((await call(3n * price)).status).toBe(200), asked)
    expect(await channel.onchain()).toMatchObject({ settled: 2n * price })
  })

  test('behavior: a channel is closed where its client asks, and takes no calls at either', async () => {
    const { channel, session, url, call } = await opened()
    const closed = await fetch(url, { headers: await channel.close(session, price) })
    expect(closed.status).toBe(200)
    expect(await channel.onchain()).toMatchObject({ finalized: true })
    expect((await call(2n * price)).status).toBe(410)
    await vi.waitFor(async () =>
      expect(await leader.deps.ledger.channel(channel.id)).toMatchObject({ finalized: true, settled: price }),
    )
  })

  test('behavior: a withdrawal that it was asked for is paid, once', async () => {
    const who = await payer()
    expect((await who.topUp(other.url, '1')).status).toBe(200)
    const token = await who.signIn(other.url)
    const before = await who.balance()
    const response = await fetch(`${other.url}/farthing/withdrawals`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${token}`,
        'idempotency-key': 'once',
      },
      body: JSON.stringify({ amount: '1', symbol: 'USD' }),
    })
    expect(response.status).toBe(202)
    await vi.waitFor(async () => expect((await who.balance()) - before).toBe(1_000_000n), asked)
    await vi.waitFor(async () => expect((await auditGateway(other)).text).toContain('All holds.'), asked)
  })

  test('behavior: a drift that the leader finds stops its routes too, until an audit is clean', async () => {
    const change = (by: string) => {
      const database = new Database(join(directory, 'ledger.sqlite'))
      const find = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"
      const triggers = database.prepare<[], { name: string; sql: string }>(find).all()
      for (const { name } of triggers) database.exec(`DROP TRIGGER ${name}`)
      database.exec(`UPDATE accounts SET posted = posted ${by} WHERE name GLOB 'revenue:*'`)
      for (const { sql } of triggers) database.exec(sql)
      database.close()
    }
    const status = async () => (await fetch(`${other.url}/call`)).status
    expect(await status()).toBe(402)
    // Afterwards nothing waits in the journal that would overwrite the change.
    await leader.audits.tick()
    change('+ 1')
    await leader.audits.tick()
    await vi.waitFor(async () => expect(await status()).toBe(503), asked)
    change('- 1')
    await leader.audits.tick()
    await vi.waitFor(async () => expect(await status()).toBe(402), asked)
  })

  test('behavior: when the leader stops, it leads, and what was left is ended', async () => {
    await leader.end()
    await vi.waitFor(() => expect(other.membership.leads()).toBe(true), asked)
    const { call } = await opened()
    expect((await call(2n * price)).status).toBe(200)
    leader = await start()
    expect(leader.membership.leads()).toBe(false)
  })

  test('error: taken for dead, it sells nothing, says so, and stops', async () => {
    const credential = await payer()
    const { charge } = await offers(`${leader.url}/call`)
    const database = new Database(join(directory, 'ledger.sqlite'))
    database.prepare('DELETE FROM instances WHERE id = ?').run(leader.membership.id)
    database.close()
    const calls = upstream.seen.length
    const refused = await fetch(`${leader.url}/call`, { headers: await credential.charge(charge) })
    expect(refused.status).toBe(503)
    expect(await refused.json()).toMatchObject({ code: 'instance-lost' })
    expect(upstream.seen).toHaveLength(calls)
    await leader.membership.lost
    const health = await fetch(`${leader.url}/farthing/health`)
    expect([health.status, ((await health.json()) as { code: string }).code]).toEqual([503, 'instance-lost'])
    await leader.end()
    leader = await start()
    expect((await auditGateway(leader)).text).toContain('All holds.')
  })
})
