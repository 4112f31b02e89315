import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as Config from '../../gateway/config/Config.ts'
import { createGateway } from '../../gateway/gateway.ts'
import { createLog } from '../../gateway/telemetry/log.ts'
import { freePort } from '../../scripts/dev/free-port.ts'
import { startFaultyProxy } from '../chain/faulty-proxy.ts'
import { type LocalChain, startChain } from '../support/chain.ts'
import { payeeIndex } from '../support/gateway.ts'
import { recordingUpstream } from '../support/recording-upstream.ts'
import { offers, wallet } from '../support/wallet.ts'

/** Attack 35: credentials in logs. The promise: who reads the log of a whole run can pay, sign in, or sign with nothing in it. */

let chain: LocalChain
let directory: string
beforeAll(async () => {
  chain = await startChain({ accounts: 6 })
  directory = await mkdtemp(join(tmpdir(), 'farthing-logs-'))
})
afterAll(async () => {
  await chain?.close()
  await rm(directory, { recursive: true, force: true })
})

describe('the log of a whole run', () => {
  test('default: holds no signature, credential, session, key or secret, at any level, faults included', async () => {
    let log = ''
    const write = (line: string) => {
      log += line
    }
    const node = await startFaultyProxy(chain.rpcUrl)
    const upstream = await recordingUpstream()
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const secret = Buffer.alloc(32, 9).toString('base64')
    const relayerKey = chain.privateKeys[payeeIndex] ?? '0x'
    const environment = { FARTHING_SECRET: secret, FARTHING_RELAYER_KEY: relayerKey }
    const input = {
      publicUrl: url,
      listen: { port },
      secret: { env: 'FARTHING_SECRET' },
      database: join(directory, 'ledger.sqlite'),
      chain: {
        id: chain.chainId,
        rpcUrl: node.url,
        startBlock: 0,
        relayerKey: { env: 'FARTHING_RELAYER_KEY' },
        pollMs: 50,
        timeoutMs: 5_000,
      },
      escrow: chain.escrow,
      tokens: { USD: { address: chain.token, decimals: 6, name: 'Test USD', version: '2' } },
      routes: [
        { path: '/call', upstream: upstream.url, price: '0.01' },
        { path: '/hang', upstream: upstream.url, price: '0.01', deadlineMs: 200 },
        { path: '/after', upstream: upstream.url, price: '0.01', settle: 'after' },
      ],
    }
    const gateway = await createGateway({
      config: Config.parse(input, environment),
      log: createLog({ level: 'debug', destination: { write } }),
    })
    await gateway.start()
    const secrets = new Set<string>([secret, relayerKey, relayerKey.slice(2), environment.FARTHING_SECRET])
    const [account] = chain.accounts.slice(3)
    if (account === undefined) throw new Error('no account')
    await chain.mint(account.address, 100_000_000n)
    const payer = wallet(account, chain)

    const send = async (path: string, headers: Record<string, string>): Promise<number> => {
      for (const value of Object.values(headers)) {
        const token = value.split(' ').at(-1) ?? value
        secrets.add(token)
        try {
          const decoded = Buffer.from(token, 'base64url').toString()
          for (const [found] of decoded.matchAll(/0x[0-9a-f]{130}/g)) secrets.add(found).add(found.slice(2))
        } catch {
          // A session is no JSON.
        }
      }
      const response = await fetch(url + path, { headers })
      await response.arrayBuffer()
      return response.status
    }
    try {
      const charge = async (path: string) => payer.charge((await offers(url + path)).charge)
      expect(await send('/call', await charge('/call'))).toBe(200)
      expect(await send('/call', await payer.exact((await offers(`${url}/call`)).x402))).toBe(200)
      expect(await send('/hang', await charge('/hang'))).toBe(504)
      const { session } = await offers(`${url}/call`)
      const channel = payer.channel()
      expect(await send('/call', await channel.open(session, 10_000n))).toBe(200)
      expect(await send('/call', await channel.voucher(session, 20_000n))).toBe(200)
      expect((await payer.topUp(url, '0.1')).status).toBe(200)
      const token = await payer.signIn(url)
      expect(await send('/call', { authorization: `Bearer ${token}` })).toBe(200)
      // Faults of ours are what logs are full of.
      await chain.testClient.setAutomine(false)
      expect(await send('/call', await charge('/call'))).toBe(503)
      await chain.testClient.setAutomine(true)
      await chain.mine(1)
      const stranded = await charge('/call')
      const closing = await channel.close(session, 20_000n)
      node.down = true
      expect(await send('/call', stranded)).toBeGreaterThanOrEqual(500)
      expect(await send('/call', closing)).toBeGreaterThanOrEqual(500)
    } finally {
      await gateway.stop()
      await upstream.close()
      await node.close()
    }
    expect(log.length).toBeGreaterThan(200)
    expect(secrets.size).toBeGreaterThan(12)
    for (const one of secrets) expect(log.includes(one), one.slice(0, 12)).toBe(false)
    // Not cut in pieces either: no run of hex that is as long as a signature.
    expect(log).not.toMatch(/[0-9a-f]{130}/i)
  })
})
