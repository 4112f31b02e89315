import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import * as Config from '../../gateway/config/Config.ts'
import type { ConfigInput } from '../../gateway/config/define-config.ts'
import { createGateway, type Gateway } from '../../gateway/gateway.ts'
import { createLog } from '../../gateway/telemetry/log.ts'
import { freePort } from '../../scripts/dev/free-port.ts'
import type { LocalChain } from '../support/chain.ts'
import { payeeIndex } from '../support/gateway.ts'
import { type RecordingUpstream, recordingUpstream } from '../support/recording-upstream.ts'

/** A place where gateways are started and stopped one after the other: one address, one ledger file, one payee. */
export type House = {
  url: string
  database: string
  config: Config.Config
  upstream: RecordingUpstream
  /** Starts a gateway here. What it logs is kept in `lines`. */
  start(change?: Partial<ConfigInput>, secrets?: Record<string, string>): Promise<Gateway>
  lines: Record<string, unknown>[]
}

export const secret = () => randomBytes(32).toString('base64')

export async function house(chain: LocalChain, input: Partial<ConfigInput> = {}): Promise<House> {
  const directory = await mkdtemp(join(tmpdir(), 'farthing-audit-'))
  const upstream = await recordingUpstream()
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const database = join(directory, 'ledger.sqlite')
  const first = secret()
  const lines: Record<string, unknown>[] = []
  const running = new Set<Gateway>()
  onTestFinished(async () => {
    for (const gateway of running) await gateway.stop()
    await upstream.close()
    await rm(directory, { recursive: true, force: true })
  })
  const base: ConfigInput = {
    publicUrl: url,
    listen: { port },
    secret: { env: 'SECRET' },
    database,
    chain: {
      id: chain.chainId,
      rpcUrl: chain.rpcUrl,
      relayerKey: { env: 'RELAYER_KEY' },
      startBlock: 0,
      pollMs: 50,
      timeoutMs: 20_000,
    },
    escrow: chain.escrow,
    tokens: { USD: { address: chain.token, decimals: 6, name: 'Test USD', version: '2' } },
    routes: [{ path: '/call/*', price: '0.01', upstream: upstream.url }],
    settlement: { threshold: '100', maxAgeSeconds: 86_400, everyMs: 60_000 },
    ...input,
  }
  const parse = (change: Partial<ConfigInput>, secrets: Record<string, string>) =>
    Config.parse(
      { ...base, ...change },
      { SECRET: first, RELAYER_KEY: chain.privateKeys[payeeIndex], ...secrets },
    )
  return {
    url,
    database,
    upstream,
    lines,
    config: parse({}, {}),
    async start(change = {}, secrets = {}) {
      const write = (line: string) => void lines.push(JSON.parse(line))
      const gateway = await createGateway({
        config: parse(change, secrets),
        log: createLog({ destination: { write } }),
      })
      await gateway.start()
      running.add(gateway)
      const { stop } = gateway
      return Object.assign(gateway, {
        stop: async () => {
          running.delete(gateway)
          await stop()
        },
      })
    },
  }
}
