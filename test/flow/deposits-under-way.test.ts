import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseGwei } from 'viem'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { ConfigInput } from '../../gateway/config/define-config.ts'
import { tokenAbi } from '../../gateway/protocol/abi.ts'
import * as Credential from '../../gateway/protocol/mpp/Credential.ts'
import { auditGateway } from '../../scripts/audit/audit-gateway.ts'
import { type LocalChain, startChain } from '../support/chain.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { type RecordingUpstream, recordingUpstream } from '../support/recording-upstream.ts'
import { offers, wallet } from '../support/wallet.ts'

/**
 * A deposit whose transaction is out, and copies of it at the gateway that sent it (`maker`) and at another one on the same
 * ledger (`other`). Nothing is mined until a test says so.
 */

const price = 10_000n
const secret = Buffer.alloc(32, 7).toString('base64')
const asked = { timeout: 20_000, interval: 20 }

let chain: LocalChain
let upstream: RecordingUpstream
let directory: string
let other: TestGateway
let maker: TestGateway
let next = 2

const start = (timeoutMs = 20_000, perPayer = 5, limits: ConfigInput['limits'] = {}): Promise<TestGateway> =>
  startGateway({
    chain,
    directory,
    secret,
    routes: [{ path: '/call/:name', price: '0.01', upstream: upstream.url }] as ConfigInput['routes'],
    override: {
      publicUrl: 'https://farthing.test',
      behindTlsProxy: true,
      settlement: { threshold: '100', maxAgeSeconds: 86_400, everyMs: 600_000 },
      gasBudgets: { perPayer },
      limits,
      audit: { everySeconds: 86_400 },
      chain: {
        id: chain.chainId,
        rpcUrl: chain.rpcUrl,
        relayerKey: { env: 'FARTHING_RELAYER_KEY' },
        startBlock: 0,
        pollMs: 50,
        timeoutMs,
      },
    },
  })

beforeAll(async () => {
  chain = await startChain({ accounts: 20 })
  upstream = await recordingUpstream()
  directory = await mkdtemp(join(tmpdir(), 'farthing-deposits-'))
  other = await start()
  maker = await start()
}, 60_000)
afterEach(async () => {
  await chain.testClient.setAutomine(true)
  await chain.mine(1)
  upstream.forget()
})
afterAll(async () => {
  await maker?.end()
  await other?.end()
  await upstream?.close()
  await chain?.close()
  await rm(directory, { recursive: true, force: true })
})

/** A payer, and its credential that opens a channel and pays a call. */
async function prepare() {
  const account = chain.accounts[next]
  next += 1
  if (account === undefined) throw new Error('The chain has no account left.')
  await chain.mint(account.address, 10_000_000n)
  const channel = wallet(account, chain).channel()
  const path = `/call/${next}`
  const { session } = await offers(maker.url + path)
  const headers: Record<string, string> = await channel.open(session, price)
  const ask = (at: TestGateway, prefer?: string) =>
    fetch(at.url + path, { headers: { ...headers, ...(prefer === undefined ? {} : { prefer }) } })
  return { account, channel, path, session, ask }
}

/** … which is sent, and not mined. */
async function opening() {
  const prepared = await prepare()
  await chain.testClient.setAutomine(false)
  const first = prepared.ask(maker)
  await sent(prepared.channel.id)
  return { ...prepared, first }
}

const intents = (subject: string) => other.deps.ledger.intentsFor(subject)
const sent = (subject: string) =>
  vi.waitFor(async () => expect((await intents(subject)).map(({ state }) => state)).toContain('sent'), asked)
async function mine(): Promise<void> {
  await chain.testClient.setAutomine(true)
  await chain.mine(1)
}

async function told(response: Response) {
  const { code } = (await response.json()) as { code?: string }
  const { status, headers } = response
  return { status, code, retryAfter: headers.get('retry-after'), applied: headers.get('preference-applied') }
}
const inProgress = { status: 409, code: 'payment-in-progress', retryAfter: '1', applied: null }
const unknown = { status: 503, code: 'payment-unknown', retryAfter: '2', applied: null }
const bothBut = async (ask: (at: TestGateway) => Promise<Response>) =>
  Promise.all([maker, other].map(async (at) => told(await ask(at))))

describe('an opening that is being made', () => {
  test('default: its copies are told 409 at both, and who waits has the answer', async () => {
    const { first, ask, channel } = await opening()
    expect(await bothBut((at) => ask(at))).toEqual([inProgress, inProgress])
    const waiting = [maker, other, maker, other].map((at) => ask(at, 'wait=15'))
    expect((await told(await ask(maker, 'wait=1'))).applied).toBe('wait=1')
    await mine()
    const all = await Promise.all([first, ...waiting])
    const statuses = all.map(({ status }) => status)
    // Whichever of them came first after it was booked made the call; the first one does not wait for it.
    expect(statuses.slice(1)).toEqual([200, 200, 200, 200])
    expect([200, 409]).toContain(statuses[0])
    const bodies = await Promise.all(all.filter(({ ok }) => ok).map((response) => response.text()))
    expect(new Set(bodies).size).toBe(1)
    expect(upstream.seen).toHaveLength(1)
    expect((await intents(channel.id)).map(({ state }) => state)).toEqual(['succeeded'])
    expect(await other.deps.ledger.channel(channel.id)).toMatchObject({ spent: price, deposit: 1_000_000n })
  })

  test('behavior: whoever has waited gives its place to the next one (else nobody could wait after a while)', async () => {
    const small = await start(20_000, 5, { waiters: 1 })
    try {
      const { first, ask } = await opening()
      for (let caller = 0; caller < 3; caller += 1)
        expect(await told(await ask(small, 'wait=1'))).toEqual({ ...inProgress, applied: 'wait=1' })
      const both = await Promise.all(
        [ask(small, 'wait=1'), ask(small, 'wait=1')].map(async (one) => told(await one)),
      )
      expect(both.filter(({ applied }) => applied === 'wait=1')).toHaveLength(1)
      await mine()
      await first
    } finally {
      await small.end()
    }
  })

  test('behavior: who waits does so no longer than it said, for the deposit and the call together', async () => {
    const { first, ask } = await opening()
    const late = { ...inProgress, applied: 'wait=1' }
    expect(await bothBut((at) => ask(at, 'wait=1'))).toEqual([late, late])
    const gate = Promise.withResolvers<void>()
    upstream.onRequest = () => gate.promise
    const began = performance.now()
    const all = [ask(maker, 'wait=4'), ask(other, 'wait=4'), first]
    let answered = 0
    for (const one of all) void one.then(() => (answered += 1))
    // Half of their time goes by.
    for (const at of [maker, other]) expect(await told(await ask(at, 'wait=1'))).toEqual(late)
    await mine()
    // One of the three makes the call, which is held back; the others are told.
    await vi.waitFor(() => expect(answered).toBe(2), asked)
    expect(performance.now() - began).toBeLessThan(5_900)
    gate.resolve()
    const statuses = (await Promise.all(all)).map(({ status }) => status)
    expect(statuses.sort()).toEqual([200, 409, 409])
    expect(upstream.seen).toHaveLength(1)
  })

  test('behavior: another credential for the same channel is told 409 too, and buys its own call afterwards', async () => {
    const { first, channel, session } = await opening()
    const headers = await channel.open(session, 2n * price)
    const second = (at: TestGateway) => fetch(`${at.url}/call/second`, { headers })
    expect(await bothBut(second)).toEqual([inProgress, inProgress])
    await mine()
    expect((await first).status).toBe(200)
    expect((await second(other)).status).toBe(200)
    expect(upstream.seen).toHaveLength(2)
    expect(await other.deps.ledger.channel(channel.id)).toMatchObject({ spent: 2n * price })
  })

  test('behavior: nothing is said of it to whom the payer did not sign for', async () => {
    const stranger = await prepare()
    const { first, channel, session } = await opening()
    const { authorization = '' } = await stranger.channel.open(session, price)
    const { payload } = Credential.parse(Credential.token(authorization) ?? '')
    const forged = channel.said(session, { ...payload, channelId: channel.id })
    const answers = await bothBut((at) => fetch(`${at.url}${stranger.path}`, { headers: forged }))
    expect(answers.map(({ status }) => status)).toEqual([402, 402])
    await mine()
    expect((await first).status).toBe(200)
  })

  test('error: it is reverted: nobody is served, and those who waited are told so', async () => {
    const { account, ask, channel } = await prepare()
    await chain.testClient.setAutomine(false)
    const first = ask(maker)
    await sent(channel.id)
    const waiting = [ask(maker, 'wait=15'), ask(other, 'wait=15')]
    // The payer's money goes elsewhere in the same block, before it.
    await chain.walletClient(account).writeContract({
      address: chain.token,
      abi: tokenAbi,
      functionName: 'transfer',
      args: [chain.accounts[0]?.address ?? account.address, 10_000_000n],
      maxFeePerGas: parseGwei('900'),
      maxPriorityFeePerGas: parseGwei('800'),
      gas: 200_000n,
    })
    await mine()
    for (const response of await Promise.all([first, ...waiting]))
      expect(await told(response)).toEqual({
        status: 402,
        code: 'insufficient-balance',
        retryAfter: null,
        applied: null,
      })
    expect(upstream.seen).toHaveLength(0)
    expect((await intents(channel.id)).map(({ state }) => state)).toEqual(['reverted'])
  })
})

describe('a top-up that is being made', () => {
  test('default: its copies are told 409 at both, and it is made once', async () => {
    const { channel, session, path } = await prepare()
    const opened = channel.said(session, {
      action: 'open',
      type: 'hash',
      hash: await channel.openOnchain(),
      salt: channel.salt,
      cumulativeAmount: String(price),
      signature: await channel.sign(price),
    })
    expect((await fetch(maker.url + path, { headers: opened })).status).toBe(200)
    await chain.testClient.setAutomine(false)
    const headers = await channel.topUp(session, 500_000n)
    const topUp = (at: TestGateway, prefer = 'none') =>
      fetch(at.url + path, { headers: { ...headers, prefer } })
    const first = topUp(maker)
    await vi.waitFor(async () => expect(await intents(channel.id)).toHaveLength(1), asked)
    expect(await bothBut(topUp)).toEqual([inProgress, inProgress])
    const waiting = [maker, other].map((at) => topUp(at, 'wait=15'))
    await mine()
    for (const response of await Promise.all([first, ...waiting])) expect(response.status).toBe(200)
    expect((await other.deps.ledger.channel(channel.id))?.deposit).toBe(1_500_000n)
    expect(await intents(channel.id)).toHaveLength(1)
  })
})

describe('an opening that nobody can tell of', () => {
  test('error: its time is over: 503 at both, not 409, and no word of a gas budget that it has used up; the same credential is served once it is mined', async () => {
    await maker.end()
    maker = await start(1_000, 1)
    await other.end()
    other = await start(1_000, 1)
    const { first, ask, channel } = await opening()
    expect(await told(await first)).toEqual(unknown)
    expect(await bothBut((at) => ask(at))).toEqual([unknown, unknown])
    await mine()
    await vi.waitFor(async () => expect((await ask(other)).status).toBe(200), asked)
    expect((await ask(maker)).status).toBe(200)
    expect(upstream.seen).toHaveLength(1)
    expect((await intents(channel.id)).map(({ state }) => state)).toEqual(['succeeded'])
  })

  test('behavior: whoever sent it is gone: the other one follows it itself', async () => {
    await other.end()
    other = await start(20_000, 1)
    const { first, ask, channel } = await opening()
    await maker.end()
    expect(await told(await first)).toEqual(unknown)
    const copy = ask(other)
    await mine()
    // Told 503 if it came when the opening was mined already, and not booked.
    expect([200, 503]).toContain((await copy).status)
    await vi.waitFor(async () => expect((await ask(other)).status).toBe(200), asked)
    expect(upstream.seen).toHaveLength(1)
    expect((await intents(channel.id)).map(({ state }) => state)).toEqual(['succeeded'])
    maker = await start()
  })

  test('behavior: afterwards books and chain agree', async () => {
    expect((await auditGateway(other)).text).toContain('All holds.')
  })
})
