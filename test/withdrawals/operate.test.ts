import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { readCommand, UsageError } from '../../scripts/withdrawals/operate.ts'
import { type Sold, sell } from '../support/sold.ts'

/** The operator decides in the books, beside the running gateway, which does the rest. */

const run = promisify(execFile)
let sold: Sold
let directory: string
let config: string
beforeAll(async () => {
  sold = await sell([{ path: '/thing', price: '1' }], { override: { withdrawals: { holdAbove: '1' } } })
  directory = await mkdtemp(join(tmpdir(), 'farthing-operator-'))
  config = join(directory, 'farthing.config.json')
  const { chain, gateway } = sold
  await writeFile(
    config,
    JSON.stringify({
      publicUrl: gateway.url,
      secret: { env: 'TEST_SECRET' },
      database: join(gateway.directory, 'ledger.sqlite'),
      chain: { id: chain.chainId, rpcUrl: chain.rpcUrl, relayerKey: { env: 'TEST_KEY' }, startBlock: 0 },
      escrow: chain.escrow,
      tokens: { USD: { address: chain.token, decimals: 6, name: 'Test USD', version: '2' } },
      routes: [{ path: '/thing', price: '1', upstream: 'http://127.0.0.1:9' }],
    }),
  )
})
afterAll(async () => {
  await sold?.close()
  await rm(directory, { recursive: true, force: true })
})

async function withdrawals(...words: string[]): Promise<{ code: number; text: string }> {
  const script = join(import.meta.dirname, '../../scripts/withdrawals.ts')
  const env = {
    PATH: process.env.PATH,
    TEST_SECRET: Buffer.alloc(32, 1).toString('base64'),
    TEST_KEY: `0x${'11'.repeat(32)}`,
  }
  return run(process.execPath, [script, ...words, '--config', config], { env }).then(
    ({ stdout }) => ({ code: 0, text: stdout }),
    (error: { code: number; stderr: string }) => ({ code: error.code, text: error.stderr }),
  )
}

async function asked(amount: string): Promise<string> {
  const payer = await sold.payer(20_000_000n)
  await payer.topUp(sold.gateway.url, '10')
  const response = await fetch(`${sold.gateway.url}/farthing/withdrawals`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await payer.signIn(sold.gateway.url)}`,
      'idempotency-key': crypto.randomUUID(),
      'content-type': 'application/json',
    },
    body: JSON.stringify({ amount, symbol: 'USD' }),
  })
  return ((await response.json()) as { id: string }).id
}

const state = async (id: string) =>
  ((await (await fetch(`${sold.gateway.url}/farthing/withdrawals/${id}`)).json()) as { state: string }).state

describe('./run withdrawals', () => {
  test('default: lists what waits, approves it beside the running gateway, and that pays it', async () => {
    const id = await asked('2.5')
    const listed = await withdrawals('list')
    expect(listed.text).toContain(id)
    expect(listed.text).toMatch(/held-for-operator.*2\.5 USD/)
    expect(await withdrawals('approve', id)).toMatchObject({ code: 0 })
    await vi.waitFor(async () => expect(await state(id)).toBe('paid'), { timeout: 20_000 })
    expect((await withdrawals('list')).text).toBe('There is none.\n')
    expect((await withdrawals('list', '--all')).text).toContain(id)
    expect(await withdrawals('reject', id)).toMatchObject({
      code: 1,
      text: expect.stringMatching(/too late/),
    })
    expect(await sold.audit()).toBe('All holds.')
  })

  test('behavior: rejects with a reason that the payer reads', async () => {
    const id = await asked('3')
    const rejected = await withdrawals('reject', id, '--reason', 'Ask us by mail.')
    expect(rejected).toMatchObject({ code: 0, text: expect.stringMatching(/3 USD is credit/) })
    const answer = await fetch(`${sold.gateway.url}/farthing/withdrawals/${id}`)
    expect(await answer.json()).toMatchObject({ state: 'failed', reason: 'Ask us by mail.' })
    expect(await withdrawals('approve', id)).toMatchObject({ code: 1 })
  })

  test('error: an id that is not there, and words that are no command', async () => {
    expect((await withdrawals('approve', 'wd_AAAAAAAAAAAAAAAAAAAAAA')).code).toBe(1)
    expect((await withdrawals('burn')).code).toBe(2)
    const options = { all: false, reason: '' }
    for (const words of [[], ['list', 'x'], ['approve'], ['approve', 'x'], ['reject', 'a', 'b'], ['--all']])
      expect(() => readCommand(words, options), words.join(' ')).toThrow(UsageError)
  })
})
