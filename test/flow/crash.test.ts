import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import * as Config from '../../gateway/config/Config.ts'
import { createGateway } from '../../gateway/gateway.ts'
import type { Payment } from '../../gateway/ledger/Payment.ts'
import type * as SignedReceipt from '../../gateway/protocol/SignedReceipt.ts'
import { createLog } from '../../gateway/telemetry/log.ts'
import { auditGateway } from '../../scripts/audit/audit-gateway.ts'
import { freePort } from '../../scripts/dev/free-port.ts'
import { type LocalChain, startChain } from '../support/chain.ts'
import { payeeIndex } from '../support/gateway.ts'
import { type RecordingUpstream, recordingUpstream } from '../support/recording-upstream.ts'
import { offers, wallet } from '../support/wallet.ts'

/**
 * The real process, killed with SIGKILL under load and started again on the same files. The promise: what a caller has a
 * receipt for is booked, nothing is charged twice, and books and chain agree in the end.
 */

const price = 10_000n
/** The moments of the kills follow from it. */
const seed = 20_260_131

let chain: LocalChain
let upstream: RecordingUpstream
let directory: string
beforeAll(async () => {
  chain = await startChain({ accounts: 12 })
  upstream = await recordingUpstream()
  directory = await mkdtemp(join(tmpdir(), 'farthing-crash-'))
})
afterAll(async () => {
  await upstream?.close()
  await chain?.close()
  if (directory !== undefined) await rm(directory, { recursive: true, force: true })
})

function mulberry32(start: number): () => number {
  let state = start
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

describe('kill -9', () => {
  test('default: at random moments under load, loses nothing that was receipted and charges nothing twice', async () => {
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const route = (path: string, settle: string) => ({ path, upstream: upstream.url, price: '0.01', settle })
    const input = {
      publicUrl: url,
      listen: { port },
      secret: { env: 'FARTHING_SECRET' },
      database: join(directory, 'ledger.sqlite'),
      chain: {
        id: chain.chainId,
        rpcUrl: chain.rpcUrl,
        startBlock: 0,
        relayerKey: { env: 'FARTHING_RELAYER_KEY' },
        pollMs: 50,
        timeoutMs: 10_000,
      },
      escrow: chain.escrow,
      tokens: {
        USD: { address: chain.token, decimals: 6, name: 'Test USD', version: '2' },
      },
      routes: [
        route('/channel', 'before-release'),
        route('/balance', 'before-release'),
        route('/before-call', 'before-call'),
        route('/before-release', 'before-release'),
        route('/after', 'after'),
      ],
      settlement: { threshold: '0.2', maxAgeSeconds: 600, everyMs: 100 },
    }
    const file = join(directory, 'farthing.config.json')
    await writeFile(file, JSON.stringify(input))
    const environment = {
      FARTHING_SECRET: Buffer.alloc(32, 7).toString('base64'),
      FARTHING_RELAYER_KEY: chain.privateKeys[payeeIndex] ?? '0x',
    }
    const random = mulberry32(seed)

    // ── whoever holds a receipt writes it down ──
    const receipts = new Map<string, SignedReceipt.Claims>()
    let calls = 0
    const note = async (response: Response): Promise<void> => {
      await response.arrayBuffer()
      const jws = response.headers.get('farthing-receipt')
      if (response.status !== 200 || jws === null) return
      const [, body = ''] = jws.split('.')
      const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as SignedReceipt.Claims
      receipts.set(claims.jti, claims)
      calls += 1
    }

    let stopped = false
    /** Sends again what got no answer, as an honest client does: the same credential, never a new one. */
    const insist = async (path: string, headers: Record<string, string>): Promise<Response | null> => {
      while (!stopped) {
        try {
          const response = await fetch(url + path, { headers, signal: AbortSignal.timeout(15_000) })
          if (response.status !== 503 && !(response.status === 409 && response.headers.has('retry-after')))
            return response
          await response.arrayBuffer()
        } catch {
          // Killed under us.
        }
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      return null
    }
    const ask = async (path: string) => {
      while (!stopped) {
        try {
          return await offers(url + path)
        } catch {
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
      }
      return null
    }

    const payers = await Promise.all(
      chain.accounts.slice(2, 7).map(async (account) => {
        await chain.mint(account.address, 100_000_000n)
        return wallet(account, chain)
      }),
    )
    const [channelPayer, balancePayer, ...chargers] = payers
    if (channelPayer === undefined || balancePayer === undefined) throw new Error('too few accounts')

    let child = await start(file, environment, url)
    expect((await balancePayer.topUp(url, '50')).status).toBe(200)
    const token = await balancePayer.signIn(url)

    const channel = channelPayer.channel({ deposit: 50_000_000n })
    let cumulative = price
    const viaChannel = async () => {
      let opened = false
      while (!stopped) {
        const offered = await ask('/channel')
        if (offered === null) return
        const headers = opened
          ? await channel.voucher(offered.session, cumulative)
          : await channel.open(offered.session, cumulative)
        const response = await insist('/channel', headers)
        if (response === null) return
        const { status } = response
        await note(response)
        if (status !== 200) throw new Error(`channel: ${status}`)
        opened = true
        cumulative += price
      }
    }
    let keys = 0
    const viaBalance = async () => {
      while (!stopped) {
        keys += 1
        const headers = { authorization: `Bearer ${token}`, 'idempotency-key': `call-${keys}` }
        const response = await insist('/balance', headers)
        if (response !== null) await note(response)
      }
    }
    const viaCharge = async (payer: wallet.Wallet, path: string) => {
      while (!stopped) {
        const offered = await ask(path)
        if (offered === null) return
        const response = await insist(path, await payer.charge(offered.charge))
        if (response !== null) await note(response)
      }
    }
    const working = Promise.all([
      viaChannel(),
      viaBalance(),
      viaBalance(),
      ...chargers.map((payer, index) =>
        viaCharge(payer, ['/before-call', '/before-release', '/after'][index] ?? '/after'),
      ),
    ])

    // ── killed again and again, always in the middle of something ──
    for (let kill = 0; kill < 6; kill += 1) {
      const target = calls + 3 + Math.floor(random() * 15)
      await vi.waitFor(() => expect(calls).toBeGreaterThanOrEqual(target), { timeout: 60_000, interval: 1 })
      child.kill('SIGKILL')
      await once(child, 'exit')
      child = await start(file, environment, url)
    }
    const target = calls + 20
    await vi.waitFor(() => expect(calls).toBeGreaterThanOrEqual(target), { timeout: 60_000, interval: 5 })
    stopped = true
    await working
    child.kill('SIGTERM')
    await once(child, 'exit')

    // ── the books, read by a gateway in this process ──
    const config = Config.parse(input, environment)
    const gateway = await createGateway({ config, log: createLog({ level: 'silent' }) })
    try {
      await gateway.prepare()
      const { ledger } = gateway.deps
      await vi.waitFor(async () => expect(await ledger.openPayments(10)).toEqual([]), { timeout: 30_000 })
      const perTransaction = new Map<string, number>()
      for (const claims of receipts.values()) {
        const payment: Payment | null = await ledger.payment({ id: claims.jti })
        expect(payment, claims.jti).toMatchObject({
          delivery: 'delivered',
          wallet: claims.sub,
          charged: price,
        })
        if (payment?.transaction != null)
          perTransaction.set(payment.transaction, (perTransaction.get(payment.transaction) ?? 0) + 1)
      }
      expect([...perTransaction.values()].filter((count) => count !== 1)).toEqual([])
      // The channel spent exactly what was receipted on it, and never more than was signed.
      const booked = await ledger.channel(channel.id)
      const receipted = [...receipts.values()].filter(({ rail }) => rail === 'channel').length
      expect(booked?.accepted).toBeLessThanOrEqual(cumulative)
      // The last call may have been served without its answer being read.
      expect(booked?.spent).toBeGreaterThanOrEqual(BigInt(receipted) * price)
      expect(booked?.spent).toBeLessThanOrEqual(BigInt(receipted + 1) * price)
      // No wallet paid for more transfers than it signed credentials for, and what it paid is receipted or credit.
      for (const payer of chargers) {
        const paid = 100_000_000n - (await payer.balance())
        const delivered = [...receipts.values()].filter(({ sub }) => sub === payer.address).length
        const { available } = await ledger.balance(
          `wallet:${payer.address}`,
          `eip155:${chain.chainId}/erc20:${chain.token.toLowerCase() as `0x${string}`}`,
        )
        expect(paid - available).toBeGreaterThanOrEqual(BigInt(delivered) * price)
        expect(paid - available).toBeLessThanOrEqual(BigInt(delivered + 1) * price)
      }
      await gateway.settlement.settler.tick()
      await vi.waitFor(async () => expect((await auditGateway(gateway)).text).toContain('All holds.'), {
        timeout: 20_000,
      })
      expect(receipts.size).toBeGreaterThan(40)
    } finally {
      await gateway.stop()
    }
  }, 180_000)
})

async function start(file: string, environment: Record<string, string>, url: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['gateway/main.ts', '--config', file], {
    env: { PATH: process.env.PATH ?? '', ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  await vi.waitFor(
    async () => {
      if (child.exitCode !== null) throw new Error(`The gateway ended: ${said}`)
      const response = await fetch(`${url}/farthing/health`)
      expect(response.status).toBe(200)
    },
    { timeout: 30_000, interval: 50 },
  )
  return child
}
