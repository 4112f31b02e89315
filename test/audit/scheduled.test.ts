import Database from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type LocalChain, startChain } from '../support/chain.ts'
import { offers, wallet } from '../support/wallet.ts'
import { type House, house } from './house.ts'

let chain: LocalChain
beforeAll(async () => {
  chain = await startChain({ accounts: 8 })
})
afterAll(() => chain.close())

const health = async (place: House) => (await fetch(`${place.url}/farthing/health`)).json()

/** Someone with the file changes what a route has earned, around every rule of the schema. */
function tamper(place: House, statement: string): void {
  const database = new Database(place.database)
  const triggers = database
    .prepare<[], { name: string; sql: string }>("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
    .all()
  for (const { name } of triggers) database.exec(`DROP TRIGGER ${name}`)
  database.exec(statement)
  for (const { sql } of triggers) database.exec(sql)
  database.close()
}

describe('the audit that runs by itself', () => {
  test('behavior: on drift it alarms, stops the routes that are set to, and opens them once an audit is clean', async () => {
    const place = await house(chain, {})
    const { url } = place.upstream
    const gateway = await place.start({
      audit: { everySeconds: 86_400 },
      routes: [
        { path: '/call/*', price: '0.01', upstream: url, stopOnDrift: true },
        { path: '/open/*', price: '0.01', upstream: url },
      ],
    })
    const account = chain.accounts[2]
    if (account === undefined) throw new Error('The chain has no such account.')
    await chain.mint(account.address, 1_000_000n)
    const buyer = wallet(account, chain)
    const paid = await fetch(`${place.url}/call/a`, {
      headers: await buyer.charge((await offers(`${place.url}/call/a`)).charge),
    })
    expect(paid.status).toBe(200)

    expect((await gateway.audits.tick()).reasons).toEqual([])
    expect(await health(place)).toMatchObject({ status: 'ok', drift: false })

    tamper(place, "UPDATE accounts SET posted = '10001' WHERE name GLOB 'revenue:*'")
    expect((await gateway.audits.tick()).stop).toBe(true)
    expect(await health(place)).toMatchObject({ drift: true, driftAlarms: 1 })
    const stopped = await fetch(`${place.url}/call/a`)
    expect(stopped.status).toBe(503)
    expect(stopped.headers.get('retry-after')).toBe('60')
    expect(await stopped.json()).toMatchObject({ code: 'stopped-on-drift' })
    expect((await fetch(`${place.url}/open/a`)).status).toBe(402)
    const alarm = place.lines.find(({ msg }) => msg === 'audit-drift')
    expect(alarm).toMatchObject({
      level: 50,
      reasons: expect.arrayContaining([expect.stringMatching(/10001/)]),
    })

    tamper(place, "UPDATE accounts SET posted = '10000' WHERE name GLOB 'revenue:*'")
    expect((await gateway.audits.tick()).reasons).toEqual([])
    expect((await fetch(`${place.url}/call/a`)).status).toBe(402)
  })

  test('behavior: dust that a stranger sends is an alarm and stops nothing, until the operator accepts it', async () => {
    const place = await house(chain, { audit: { everySeconds: 86_400, stopOnDrift: true } })
    const gateway = await place.start()
    await gateway.audits.tick()
    const payee = gateway.deps.chain.payee
    await chain.mint(payee, 1n)
    const drift = await gateway.audits.tick()
    expect(drift).toMatchObject({ drift: true, stop: false })
    expect((await fetch(`${place.url}/call/a`)).status).toBe(402)
    for (const reason of drift.reasons) {
      const subject = /0x[0-9a-f]{64}/.exec(reason)?.[0] ?? ''
      await gateway.deps.ledger.note({ kind: 'difference-accepted', subject })
    }
    expect((await gateway.audits.tick()).drift).toBe(false)
  })
})
