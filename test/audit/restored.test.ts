import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../gateway/clock.ts'
import type { Gateway } from '../../gateway/gateway.ts'
import * as Account from '../../gateway/ledger/Account.ts'
import * as Asset from '../../gateway/ledger/Asset.ts'
import { acceptRestored } from '../../scripts/audit/accept-restored.ts'
import { auditGateway } from '../../scripts/audit/audit-gateway.ts'
import { type LocalChain, startChain } from '../support/chain.ts'
import { offers, wallet } from '../support/wallet.ts'
import { type House, house } from './house.ts'

/** Attack 33: the books are restored from an old backup, and the payer spends once more what was spent since. */

const price = 10_000n
let chain: LocalChain
beforeAll(async () => {
  chain = await startChain({ accounts: 12 })
})
afterAll(() => chain.close())

let next = 2
async function customer(place: House) {
  const account = chain.accounts[next]
  next += 1
  if (account === undefined) throw new Error('The chain has no account left.')
  await chain.mint(account.address, 10_000_000n)
  const payer = wallet(account, chain)
  const channel = payer.channel()
  const call = async (cumulative: bigint) => {
    const { session } = await offers(`${place.url}/call/a`)
    return fetch(`${place.url}/call/a`, { headers: await channel.voucher(session, cumulative) })
  }
  const open = async () => {
    const { session } = await offers(`${place.url}/call/a`)
    return fetch(`${place.url}/call/a`, { headers: await channel.open(session, price) })
  }
  return { payer, channel, call, open }
}

/** Settles whatever is spent, now. */
async function settle(gateway: Gateway, id: `0x${string}`) {
  const final = await gateway.deps.ledger.settleable(id)
  if (final === null) throw new Error('Nothing can be settled.')
  const { settler } = gateway.settlement
  await settler.tick()
}

const due = { settlement: { threshold: '0', maxAgeSeconds: 1, everyMs: 600_000 } }
const remove = (file: string) =>
  Promise.all(['', '-wal', '-shm'].map((suffix) => rm(file + suffix, { force: true })))

/** One call before the backup, two more and a settlement after it, then the file of before. */
async function restored(place: House) {
  const buyer = await customer(place)
  const before = await place.start()
  expect((await buyer.open()).status).toBe(200)
  await before.stop()
  const backup = join(dirname(place.database), 'backup.sqlite')
  await copyFile(place.database, backup)

  const lost = await place.start(due)
  for (const n of [2n, 3n]) expect((await buyer.call(n * price)).status).toBe(200)
  await settle(lost, buyer.channel.id)
  expect((await buyer.channel.onchain()).settled).toBe(3n * price)
  const direct = await offers(`${place.url}/call/b`)
  const charged = await fetch(`${place.url}/call/b`, { headers: await buyer.payer.charge(direct.charge) })
  expect(charged.status).toBe(200)
  await lost.stop()

  await remove(place.database)
  await copyFile(backup, place.database)
  place.lines.length = 0
  return buyer
}

describe('a gateway whose books were restored from an old backup', () => {
  test('behavior: it notices at start, refuses the channel in question, credits nobody, and goes on once accepted', async () => {
    const place = await house(chain)
    const buyer = await restored(place)
    const gateway = await place.start()
    const { ledger, chain: asked } = gateway.deps
    const { id } = buyer.channel
    const asset = Asset.of(chain.chainId, chain.token)

    const events = place.lines.map(({ level, msg }) => `${level} ${msg}`)
    expect(events).toContain('50 channel-suspended')
    expect(events).toContain('50 restore-detected')
    const [note] = await ledger.notes('restore-detected')
    expect(note?.body).toMatchObject({ channels: 1, charges: 1 })
    expect(Number(note?.body.nonce)).toBeGreaterThan(0)

    // A voucher is refused before anything is called, whether it is new or within what the books have.
    const calls = place.upstream.seen.length
    // Only the call that the books remember is answered once more, from what was stored.
    expect((await buyer.call(price)).status).toBe(200)
    for (const n of [2n, 4n]) {
      const refused = await buyer.call(n * price)
      expect(refused.status).toBe(402)
      const problem = (await refused.json()) as Record<string, unknown>
      expect(problem).toMatchObject({ code: 'channel-suspended', channelId: id })
      // What the books have is not right: nobody is told to sign for it.
      expect(problem).not.toHaveProperty('channel')
    }
    expect(place.upstream.seen).toHaveLength(calls)
    // Nothing of it was booked as the payer's credit, which would be spent a second time.
    expect((await ledger.balance(Account.wallet(buyer.payer.address), asset)).posted).toBe(0n)
    expect(await ledger.channel(id)).toMatchObject({
      settled: 0n,
      spent: price,
      suspended: expect.any(String),
    })
    // Others are served as ever.
    const other = await customer(place)
    expect((await other.open()).status).toBe(200)
    const report = await auditGateway(gateway)
    expect(report.ok).toBe(false)
    expect(report.text).toMatch(/has settled 30000 in the escrow and 0 in the books/)

    const tokens = [chain.token]
    const accepting = { ledger, chain: asked, tokens, fromBlock: 0n, clock: systemClock }
    const accepted = await acceptRestored(accepting)
    expect(accepted).toEqual({ channels: [id], charges: [expect.stringMatching(/^pay_restored_/)] })
    expect(await acceptRestored(accepting)).toEqual({ channels: [], charges: [] })
    expect(await ledger.channel(id)).toMatchObject({ settled: 30_000n, spent: 30_000n, suspended: null })
    const earned = await ledger.balance(Account.revenue('restored'), asset)
    expect(earned.posted).toBe(2n * price + price)
    expect((await auditGateway(gateway)).text).toMatch(/All holds/)
    expect((await buyer.call(4n * price)).status).toBe(200)
    expect((await auditGateway(gateway)).text).toMatch(/All holds/)
  })

  test('behavior: the next start still refuses it, and ./run audit --accept-restored settles it', async () => {
    const place = await house(chain)
    const buyer = await restored(place)
    const first = await place.start()
    await first.stop()
    const second = await place.start()
    expect((await buyer.call(4n * price)).status).toBe(402)
    await second.stop()

    const file = join(dirname(place.database), 'config.json')
    const { url, database } = place
    await writeFile(
      file,
      JSON.stringify({
        publicUrl: url,
        secret: { env: 'SECRET' },
        database,
        chain: { id: chain.chainId, rpcUrl: chain.rpcUrl, relayerKey: { env: 'RELAYER_KEY' }, startBlock: 0 },
        escrow: chain.escrow,
        tokens: { USD: { address: chain.token, decimals: 6, name: 'Test USD', version: '2' } },
        routes: [{ path: '/call/*', price: '0.01', upstream: place.upstream.url }],
      }),
    )
    const run = async (...args: string[]) => {
      const child = spawn(process.execPath, ['scripts/audit.ts', '--config', file, ...args], {
        env: {
          ...process.env,
          SECRET: Buffer.alloc(32, 7).toString('base64'),
          RELAYER_KEY: chain.privateKeys[1],
        },
      })
      let output = ''
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += String(data)))
      const [code] = (await once(child, 'close')) as [number]
      return { code, output }
    }
    const found = await run()
    expect(found.output).toMatch(/SOMETHING DOES NOT HOLD/)
    expect(found.code).toBe(1)
    const accepted = await run('--accept-restored')
    expect(accepted.output).toMatch(new RegExp(`channel ${buyer.channel.id} takes vouchers again`))
    const head = /head {4}(\d+:[0-9a-f]{64})/.exec(accepted.output)?.[1] ?? ''
    // An audit writes nothing: the head is the same, and is found again.
    const anchored = await run('--anchor', head)
    expect(anchored.output).toContain(`head    ${head}`)
    const forged = await run('--anchor', `${head.slice(0, -4)}0000`)
    expect(forged.output).toMatch(/history was made anew/)
    expect(forged.code).toBe(1)
    expect((await run('--anchor', '12')).code).toBe(2)
    await place.start()
    expect((await buyer.call(4n * price)).status).toBe(200)
  })

  test('behavior: a crash and an ordinary restart are no restore, whatever was settled in between', async () => {
    const place = await house(chain)
    const buyer = await customer(place)
    const gateway = await place.start(due)
    await buyer.open()
    await buyer.call(2n * price)
    await settle(gateway, buyer.channel.id)
    await gateway.stop()
    await chain.mint(chain.accounts[1]?.address ?? '0x', 5n)
    place.lines.length = 0
    const again = await place.start()
    expect(place.lines.map(({ msg }) => msg)).not.toContain('restore-detected')
    expect(await again.deps.ledger.channel(buyer.channel.id)).toMatchObject({ suspended: null })
    expect((await buyer.call(3n * price)).status).toBe(200)
  })
})
