import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Hex } from 'viem'
import * as Config from '../../gateway/config/Config.ts'
import type { ConfigInput } from '../../gateway/config/define-config.ts'
import { createGateway, type Gateway } from '../../gateway/gateway.ts'
import { createLog } from '../../gateway/telemetry/log.ts'
import { freePort } from '../../scripts/dev/free-port.ts'
import type { LocalChain } from './chain.ts'

/** A gateway in this process, on a real chain, a real ledger file and a real port. */
export type TestGateway = Gateway & { url: string; directory: string; end(): Promise<void> }

/** The account of the local chain that is the payee. */
export const payeeIndex = 1

/** Starts a gateway that sells `routes`. What is not said is as a seller's defaults have it. */
export async function startGateway(options: startGateway.Options): Promise<TestGateway> {
  const { chain, routes, override = {} } = options
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'farthing-gateway-')))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const input: ConfigInput = {
    publicUrl: url,
    listen: { port },
    secret: { env: 'FARTHING_SECRET' },
    database: join(directory, 'ledger.sqlite'),
    chain: {
      id: chain.chainId,
      rpcUrl: chain.rpcUrl,
      relayerKey: { env: 'FARTHING_RELAYER_KEY' },
      startBlock: 0,
      pollMs: 50,
      timeoutMs: 20_000,
    },
    gateSeconds: 0,
    escrow: chain.escrow,
    tokens: {
      USD: { address: chain.token, decimals: 6, name: 'Test USD', version: '2' },
      DAI: { address: chain.token18, decimals: 18, name: 'Test Dai', version: '1' },
    },
    routes,
    ...override,
  }
  const environment = {
    FARTHING_SECRET: options.secret ?? randomBytes(32).toString('base64'),
    FARTHING_RELAYER_KEY: chain.privateKeys[payeeIndex] as Hex,
  }
  const config = Config.parse(input, environment)
  const gateway = await createGateway({ config, log: createLog({ level: options.logLevel ?? 'silent' }) })
  await gateway.start()
  return {
    ...gateway,
    url,
    directory,
    async end() {
      await gateway.stop()
      if (options.directory === undefined) await rm(directory, { recursive: true, force: true })
    },
  }
}

export declare namespace startGateway {
  type Options = {
    chain: LocalChain
    routes: ConfigInput['routes']
    override?: Partial<ConfigInput>
    /** Keeps the ledger here, and does not delete it. */
    directory?: string
    /** base64; the same secret honours the same challenges. */
    secret?: string
    logLevel?: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  }
}
