import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  createFileStore,
  createMemoryStore,
  createPayingFetch,
  PaymentRefusedError,
} from '../../client/node.ts'
import { type FakeGateway, startFakeGateway } from './support/fake-gateway.ts'
import { countingAccount, privateKey, stillClock } from './support/wallet.ts'

let gateway: FakeGateway
let directory: string
beforeEach(async () => {
  gateway = await startFakeGateway()
  directory = await mkdtemp(join(tmpdir(), 'farthing-client-'))
})
afterEach(async () => {
  await gateway.close()
  await rm(directory, { recursive: true })
})

function start(options: Partial<createPayingFetch.Options> = {}) {
  const account = countingAccount()
  const limits = { perCall: 10_000n, perDay: 100_000n }
  return createPayingFetch({ account, limits, store: createFileStore(directory), ...options })
}

describe('a restart', () => {
  test('behavior: continues on the same channel with the next number', async () => {
    await start()(gateway.url)
    await start()(gateway.url)
    expect(gateway.channels.size).toBe(1)
    expect(gateway.vouchers).toEqual([1_000n, 2_000n])
  })

  test('behavior: two processes at once share a channel and never a number', async () => {
    await start()(gateway.url)
    const [a, b] = [start(), start()]
    await Promise.all(Array.from({ length: 10 }, (_, call) => (call % 2 === 0 ? a : b)(gateway.url)))
    expect(gateway.channels.size).toBe(1)
    expect(new Set(gateway.vouchers).size).toBe(11)
    expect(gateway.delivered).toBe(11)
  })

  test('error: does not begin the day anew', async () => {
    const clock = stillClock(Date.parse('2026-06-01T23:00:00Z'))
    gateway.now = clock.now
    const limits = { perCall: 1_000n, perDay: 2_000n }
    const options = { clock, limits, rails: ['charge'] as const }
    await start(options)(gateway.url)
    await start(options)(gateway.url)
    await expect(start(options)(gateway.url)).rejects.toThrow(PaymentRefusedError)
    clock.advance(-24 * 3_600_000)
    await expect(start(options)(gateway.url)).rejects.toThrow(PaymentRefusedError)
    clock.advance(26 * 3_600_000)
    expect((await start(options)(gateway.url)).status).toBe(200)
  })

  test('behavior: an opening that was interrupted is repeated with the same salt', async () => {
    gateway.after = (response, request) => (request.headers.has('authorization') ? 'drop' : response)
    const clock = { ...stillClock(Date.now()) }
    await expect(start({ clock })(gateway.url)).rejects.toMatchObject({ code: 'payment-unknown' })
    gateway.after = undefined
    expect((await start()(gateway.url)).status).toBe(200)
    expect(gateway.channels.size).toBe(1)
  })

  test('behavior: the stored state holds no key and no signature', async () => {
    await start()(gateway.url)
    await start({ rails: ['charge'] })(gateway.url)
    const text = await readFile(join(directory, 'state.json'), 'utf8')
    expect(text).not.toContain(privateKey.slice(2))
    expect(text).not.toMatch(/0x[0-9a-f]{128}/)
  })
})

describe('recoverChannels', () => {
  const limits = { perCall: 1_000n, perDay: 100_000n }

  test('default: signs in and continues after the highest accepted voucher', async () => {
    const before = start({ limits })
    for (let call = 0; call < 5; call++) await before(gateway.url)
    const after = start({ limits, store: createMemoryStore() })
    expect(await after.recoverChannels(gateway.url)).toMatchObject([
      { accepted: 5_000n, spent: 5_000n, state: 'open' },
    ])
    expect((await after(gateway.url)).status).toBe(200)
    expect(gateway.channels.size).toBe(1)
    expect(gateway.vouchers.at(-1)).toBe(6_000n)
  })

  test('error: what is not proven by our signature counts against the day', async () => {
    await start({ limits })(gateway.url)
    for (const channel of gateway.channels.values())
      Object.assign(channel, { accepted: 90_000n, spent: 90_000n })
    const store = createMemoryStore()
    const poor = start({ limits: { perCall: 1_000n, perDay: 10_000n }, store })
    await expect(poor.recoverChannels(gateway.url)).rejects.toMatchObject({ code: 'limit-per-day' })
    expect((await store.read()).channels).toEqual({})
  })

  test.each([
    ['another domain', (text: string) => text.replace(/^\S+/, 'evil.example')],
    ['another wallet', (text: string) => text.replace(/0x[0-9a-fA-F]{40}/, `0x${'9'.repeat(40)}`)],
    ['another nonce', (text: string) => text.replace('nonce12345678', 'nonce99999999')],
    ['another URI', (text: string) => text.replace(/URI: \S+/, 'URI: https://evil.example')],
    ['no sign-in at all', () => 'I owe you 1,000,000'],
  ])('error: a sign-in text for %s is not signed', async (_name, lie) => {
    gateway.after = async (response, request) => {
      if (request.method !== 'GET' || !request.url.includes('/sign-in')) return response
      const { nonce, message } = (await response.json()) as { nonce: string; message: string }
      return Response.json({ nonce, message: lie(message) })
    }
    const account = countingAccount()
    const payingFetch = createPayingFetch({ account, limits })
    await expect(payingFetch.recoverChannels(gateway.url)).rejects.toMatchObject({ code: 'sign-in-text' })
    expect(account.signatures()).toBe(0)
  })
})
