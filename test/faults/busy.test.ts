import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { offers } from '../support/wallet.ts'
import { type House, house } from './house.ts'
import { type Case, insist, outcomeOf, prepare } from './round.ts'

/** The real process while another one holds the write lock of its books: for a moment, and for longer than it waits. */

const busyTimeoutMs = 600
const rails = [
  ['mpp', '/before-call'],
  ['x402', '/before-release'],
  ['mpp', '/after'],
  ['channel', '/channel'],
  ['balance', '/balance'],
] as const

let home: House
let other: ChildProcess | null = null
beforeAll(async () => {
  home = await house({
    routes: [
      ...(['before-call', 'before-release', 'after'] as const).map((settle) => ({
        path: `/${settle}`,
        price: '0.01',
        settle,
      })),
      { path: '/channel', price: '0.01', rails: ['channel'] },
      { path: '/balance', price: '0.01', rails: ['balance'] },
    ],
    busyTimeoutMs,
    // Background work waits for the lock as well, and the process with it.
    override: { chain: { pollMs: 1_000 } },
  })
  await home.start('stopping')
})
afterAll(() => home?.close())
afterEach(async () => {
  await letGo()
  home.upstream.onRequest = () => {}
})

/** Resolves when another process has the lock. */
async function lock(milliseconds?: number): Promise<void> {
  const told = [home.database, ...(milliseconds === undefined ? [] : [String(milliseconds)])]
  other = spawn(process.execPath, ['test/faults/hold-the-lock.ts', ...told], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  await once(other, 'message')
}

async function letGo(): Promise<void> {
  if (other === null || other.exitCode !== null) return
  other.send('let go')
  await once(other, 'exit')
}

const of = (rail: Case['rail'], path: string, name: string): Case => ({ name, rail, path, at: 'called' })

describe('a lock that is held for a moment', () => {
  test.each(rails)('default: the call waits for it (%s, %s)', async (rail, path) => {
    const one = await prepare(home, of(rail, path, 'moment'))
    await lock(busyTimeoutMs / 6)
    const response = await fetch(one.url, { headers: one.headers })
    expect(response.status).toBe(200)
    expect(await outcomeOf(home, one, response)).toMatchObject({ told: 'answer', runs: 1, paid: 1 })
  })
})

describe('a lock that is held for longer than anybody waits', () => {
  test.each(rails)(
    'error: before the call (%s, %s): 503 and when to come again; the upstream is not called',
    async (rail, path) => {
      const one = await prepare(home, of(rail, path, 'before'))
      await lock()
      const refused = await fetch(one.url, { headers: one.headers })
      expect(refused.status).toBe(503)
      expect(refused.headers.get('retry-after')).toBe('1')
      expect(await refused.json()).toMatchObject({ code: 'ledger-unavailable' })
      expect((await offers(one.url)).status).toBe(402)
      expect(home.runs(one.tag)).toBe(0)
      await letGo()
      expect(await outcomeOf(home, one, await insist(one))).toMatchObject({
        told: 'answer',
        runs: 1,
        paid: 1,
      })
    },
  )

  test.each(rails)(
    'error: while the upstream answers (%s, %s): no answer without its booking, and no second run for one claim',
    async (rail, path) => {
      const one = await prepare(home, of(rail, path, 'called'))
      home.upstream.onRequest = async ({ url }) => {
        if (url.endsWith(one.tag) && home.runs(one.tag) === 1) await lock()
      }
      const refused = await fetch(one.url, { headers: one.headers })
      expect(refused.status).toBe(503)
      expect(await refused.json()).toMatchObject({ code: 'ledger-unavailable' })
      await letGo()
      const outcome = await outcomeOf(home, one, await insist(one))
      if (path === '/before-call')
        expect(outcome).toMatchObject({ told: 'payment-credited', runs: 1, paid: 0, moved: 1 })
      else expect(outcome).toMatchObject({ told: 'answer', runs: 2, paid: 1 })
    },
  )
})

describe('after all of it', () => {
  test('default: books and chain agree', async () => {
    expect(await home.audit()).toBe('All holds.')
  })
})
