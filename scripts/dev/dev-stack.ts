import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Address, type Hex, parseAbi } from 'viem'
import * as Config from '../../gateway/config/Config.ts'
import { createGateway, type Gateway } from '../../gateway/gateway.ts'
import * as Amount from '../../gateway/protocol/Amount.ts'
import { createLog } from '../../gateway/telemetry/log.ts'
import { type LocalChain, startChain } from '../local-chain.ts'
import { type SampleUpstream, serveSampleUpstream } from '../sample-upstream.ts'
import { devConfig } from './dev-config.ts'
import { freePort } from './free-port.ts'

/** Everything on one machine: a chain with the contracts, an API to sell, and a gateway that sells it. */
export type DevStack = {
  chain: LocalChain
  upstream: SampleUpstream
  gateway: Gateway
  info: DevInfo
  close(): Promise<void>
}

/** What a program needs to use the stack; `.farthing/dev.json`. */
export type DevInfo = {
  gatewayUrl: string
  rpcUrl: string
  chainId: number
  token: { address: Address; symbol: string; decimals: number; name: string; version: string }
  escrow: Address
  payee: Address
  /** Local test accounts with public keys; the first one holds the NFT. */
  wallets: { address: Address; privateKey: Hex }[]
  routes: { method: string; path: string; price: string; rails: readonly string[] }[]
}

/** A new ledger for every start: the chain is new as well. */
const databaseName = () => `dev-${randomBytes(4).toString('hex')}.sqlite`
const payeeIndex = 1
const walletIndexes = [2, 3, 4, 5, 6]

/** Starts the stack. Ports of 0 are picked; the ledger lies in `directory`. */
export async function startDevStack(options: startDevStack.Options): Promise<DevStack> {
  const { directory } = options
  await mkdir(directory, { recursive: true })
  const chain = await startChain({ port: options.rpcPort ?? 0 })
  const upstream = await serveSampleUpstream({ port: 0 })
  const wallets = walletIndexes.map((index) => walletAt(chain, index))
  await fund(
    chain,
    wallets.map(({ address }) => address),
  )

  // The public URL names the port, so the port is known before the gateway is made.
  const port = options.port === undefined || options.port === 0 ? await freePort() : options.port
  const input = devConfig({ chain, upstream: upstream.url, port, database: join(directory, databaseName()) })
  const environment = {
    FARTHING_SECRET: randomBytes(32).toString('base64'),
    FARTHING_RELAYER_KEY: walletAt(chain, payeeIndex).privateKey,
  }
  // The same configuration as files, so that the gateway or the audit can be run on its own against this stack.
  const lines = Object.entries(environment).map(([name, value]) => `${name}=${value}\n`)
  await writeFile(join(directory, 'dev.env'), lines.join(''), { mode: 0o600 })
  await writeFile(join(directory, 'dev.config.json'), `${JSON.stringify(input, null, 2)}\n`)
  const config = Config.parse(input, environment)
  const gateway = await createGateway({ config, log: createLog({ level: options.logLevel ?? 'warn' }) })
  await gateway.start()
  const [token] = config.tokens.values()
  if (token === undefined) throw new Error('The developer stack sells in no token.')
  const { address, symbol, decimals, name, version } = token
  return {
    chain,
    upstream,
    gateway,
    info: {
      gatewayUrl: config.publicUrl.origin,
      rpcUrl: chain.rpcUrl,
      chainId: chain.chainId,
      token: { address, symbol, decimals, name, version },
      escrow: chain.escrow,
      payee: gateway.deps.chain.payee,
      wallets,
      routes: config.routes.map((route) => ({
        method: route.method,
        path: route.path,
        price: route.price.kind === 'fixed' ? Amount.format(route.price.amount, route.token.decimals) : '',
        rails: route.rails,
      })),
    },
    async close() {
      await gateway.stop()
      await upstream.close()
      await chain.close()
    },
  }
}

export declare namespace startDevStack {
  type Options = {
    directory: string
    port?: number
    rpcPort?: number
    logLevel?: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  }
}

function walletAt(chain: LocalChain, index: number): { address: Address; privateKey: Hex } {
  const account = chain.accounts[index]
  const privateKey = chain.privateKeys[index]
  if (account === undefined || privateKey === undefined) throw new Error(`The chain has no account ${index}.`)
  return { address: account.address, privateKey }
}

/** Gives every wallet 1,000 of each token, and the first one an NFT. */
async function fund(chain: LocalChain, wallets: Address[]): Promise<void> {
  for (const address of wallets) {
    await chain.mint(address, 1_000_000_000n)
    await chain.mint(address, 1_000n * 10n ** 18n, chain.token18)
  }
  const [minter] = chain.accounts
  const [holder] = wallets
  if (minter === undefined || holder === undefined) return
  const hash = await chain.walletClient(minter).writeContract({
    address: chain.nft,
    abi: parseAbi(['function mint(address to)']),
    functionName: 'mint',
    args: [holder],
  })
  await chain.publicClient.waitForTransactionReceipt({ hash })
}
