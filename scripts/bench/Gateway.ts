import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ConfigInput } from '../../gateway/config/define-config.ts'
import packageJson from '../../package.json' with { type: 'json' }
import { type Child, start } from './Child.ts'
import type { ChainFacts } from './chain.ts'
import { probing } from './server.ts'

/** Price of a call in base units, and as the configuration says it. */
export const price = 1_000n
const priceText = '0.001'

/** The routes: the same call free, and sold. */
export const routes = { free: '/free', paid: '/paid' } as const

/** How `./run gateway` starts it: its own words for Node are part of what is measured. */
const [, ...words] = packageJson.scripts.gateway.split(' ')

/** Starts the gateway as an operator would: the process, a file of configuration, a ledger on disk. */
export function startGateway(options: startGateway.Options): Promise<Child> {
  const { folder, port, upstream, chain } = options
  const address = `http://127.0.0.1:${upstream}`
  const input: ConfigInput = {
    publicUrl: `http://127.0.0.1:${port}`,
    listen: { port },
    secret: { env: 'FARTHING_SECRET' },
    database: options.database,
    chain: {
      id: chain.chainId,
      rpcUrl: chain.rpcUrl,
      relayerKey: { env: 'FARTHING_RELAYER_KEY' },
      startBlock: 0,
    },
    escrow: chain.escrow,
    tokens: {
      USD: { address: chain.token, decimals: 6, name: 'Test USD', version: '2', suggestedDeposit: '10000' },
    },
    routes: [
      ...(['GET', 'POST'] as const).flatMap((method) => [
        { method, path: routes.free, upstream: address, price: '0' },
        { method, path: routes.paid, upstream: address, price: priceText },
      ]),
    ],
    // Nothing is brought to the chain while something is measured.
    settlement: { threshold: '1000000000' },
    exposure: { perChannel: '1000000', total: '1000000000' },
    challengeSeconds: 3_600,
  }
  const file = join(folder, 'farthing.config.json')
  writeFileSync(file, JSON.stringify(input))
  return start(
    'server',
    [process.execPath, ...(options.probe === true ? probing : []), ...words, '--config', file],
    (line) => (line.includes('"msg":"listening"') ? true : null),
    {
      environment: { FARTHING_SECRET: secret, FARTHING_RELAYER_KEY: chain.payeeKey },
      probe: options.probe === true,
    },
  )
}

/** The same for every process of a run, so that sessions and offers of one are good in the next. */
const secret = Buffer.alloc(32, 7).toString('base64')

export declare namespace startGateway {
  type Options = {
    /** Where its configuration is written. */
    folder: string
    port: number
    /** Port of the API that is sold. */
    upstream: number
    chain: ChainFacts
    /** File of the ledger. */
    database: string
    /** Put the probe into it. */
    probe?: boolean
  }
}
