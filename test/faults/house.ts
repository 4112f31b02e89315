import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type Hex, parseAbiItem } from 'viem'
import * as Config from '../../gateway/config/Config.ts'
import type { ConfigInput } from '../../gateway/config/define-config.ts'
import { createGateway } from '../../gateway/gateway.ts'
import type { Ledger } from '../../gateway/ledger/Ledger.ts'
import { createLog } from '../../gateway/telemetry/log.ts'
import { auditGateway } from '../../scripts/audit/audit-gateway.ts'
import { freePort } from '../../scripts/dev/free-port.ts'
import { type LocalChain, startChain } from '../support/chain.ts'
import { payeeIndex } from '../support/gateway.ts'
import { type NodeProxy, nodeProxy } from '../support/node-proxy.ts'
import { type RecordingUpstream, recordingUpstream } from '../support/recording-upstream.ts'
import { wallet } from '../support/wallet.ts'
import { look } from './look.ts'
import type { Message, Stop } from './Stop.ts'

/** A gateway that is a process of its own, with everything around it in ours: chain, node, upstream and callers. */
export type House = {
  chain: LocalChain
  node: NodeProxy
  upstream: RecordingUpstream
  url: string
  /** The configuration file, and what its variables say. */
  config: string
  environment: Record<string, string>
  directory: string
  /** Where its books are. */
  database: string
  /** Id of the process; null when none runs. */
  pid(): number | null
  /** Starts the process, and resolves when it listens. */
  start(entry?: Entry): Promise<void>
  /** Where the process is to stand still; resolves when it knows. Only for the `stopping` one. */
  stopAt(stops: Stop[]): Promise<void>
  /** Resolves when one of those places is reached. */
  reached(name: string): Promise<void>
  /** What is started after a round. */
  next: Entry
  /** Kills it where it stands still, as soon as it does, and starts it again. */
  killAt(stop: Omit<Stop, 'name'>, begin: () => unknown): Promise<void>
  /** SIGKILL, at once. */
  kill(): void
  /** Resolves when the process is gone. */
  gone(): Promise<void>
  /** Waits until it is gone, mends the node, and starts the next one. */
  again(): Promise<void>
  /** Asks it to stop, as an operator does. */
  stop(): Promise<void>
  /** Events of its log since it was started last. */
  said: Record<string, unknown>[]
  /** A wallet of its own for each call of this. */
  payer(funds?: bigint): Promise<wallet.Wallet>
  /** Transactions that moved a wallet's tokens to the payee, as the chain has them. */
  transfers(payer: wallet.Wallet): Promise<Hex[]>
  /** How often the upstream was asked for what names this. */
  runs(tag: string): number
  /** Reads the books beside the process. */
  look<Result>(ask: (books: Ledger) => Promise<Result>): Promise<Result>
  /** Stops the process and audits its books, by themselves and against the chain. */
  audit(): Promise<string>
  close(): Promise<void>
}

/** `main`: the process as it is started by its operator. `stopping`: the same, and its books stand still where told. */
export type Entry = 'main' | 'stopping'

const entries: Record<Entry, string> = {
  main: 'gateway/main.ts',
  stopping: 'test/faults/stopping-gateway.ts',
}

/** Builds it. Nothing is started. */
export async function house(options: house.Options): Promise<House> {
  const chain = await startChain({ accounts: options.accounts ?? 60 })
  const node = await nodeProxy(chain.rpcUrl)
  const upstream = await recordingUpstream()
  const directory = await mkdtemp(join(tmpdir(), 'farthing-faults-'))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const { chain: chainSettings, ...override } = options.override ?? {}
  const input: ConfigInput = {
    publicUrl: url,
    listen: { port },
    secret: { env: 'FARTHING_SECRET' },
    database: join(options.disk?.(directory) ?? directory, 'ledger.sqlite'),
    escrow: chain.escrow,
    tokens: { USD: { address: chain.token, decimals: 6, name: 'Test USD', version: '2' } },
    routes: options.routes.map((route) => ({ upstream: upstream.url, ...route })) as ConfigInput['routes'],
    audit: { everySeconds: 0 },
    ...override,
    chain: {
      id: chain.chainId,
      rpcUrl: node.url,
      startBlock: 0,
      relayerKey: { env: 'FARTHING_RELAYER_KEY' },
      pollMs: 50,
      timeoutMs: 20_000,
      ...chainSettings,
    },
  }
  const config = join(directory, 'farthing.config.json')
  await writeFile(config, JSON.stringify(input))
  const environment = {
    FARTHING_SECRET: Buffer.alloc(32, 7).toString('base64'),
    FARTHING_RELAYER_KEY: chain.privateKeys[payeeIndex] ?? '0x',
  }

  const compiled = join(directory, 'compiled')
  let child: ChildProcess | null = null
  const places = new Map<string, PromiseWithResolvers<void>>()
  const place = (name: string) => {
    const known = places.get(name) ?? Promise.withResolvers<void>()
    places.set(name, known)
    return known
  }
  let next = 2

  const built: House = {
    chain,
    node,
    upstream,
    url,
    config,
    environment,
    directory,
    database: String(input.database),
    pid: () => child?.pid ?? null,
    said: [],
    next: 'stopping',
    async start(entry = 'main') {
      const stopping = [
        options.replaceAfterSeconds ?? '',
        options.busyTimeoutMs ?? '',
        options.sync ?? '',
      ].map(String)
      const told = entry === 'main' ? ['--config', config] : [config, ...stopping]
      const started = spawn(process.execPath, [entries[entry], ...told], {
        // What a start compiles, the next one reads: a third of the time of each.
        env: { PATH: process.env.PATH ?? '', NODE_COMPILE_CACHE: compiled, ...environment },
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      })
      child = started
      built.said = []
      let complaints = ''
      started.stderr?.on('data', (chunk: Buffer) => {
        complaints += chunk.toString()
      })
      started.on('message', (message: Message) => {
        if ('reached' in message) place(message.reached).resolve()
        if ('ready' in message) place('ready').resolve()
      })
      const listening = Promise.withResolvers<void>()
      started.once('exit', () => listening.reject(new Error(`The gateway ended: ${complaints}`)))
      createInterface({ input: started.stdout as NodeJS.ReadableStream }).on('line', (line) => {
        const event = JSON.parse(line) as { msg?: string }
        built.said.push(event)
        if (event.msg === 'listening') listening.resolve()
      })
      await listening.promise
    },
    async stopAt(stops) {
      for (const { name } of stops) places.delete(name)
      places.delete('ready')
      child?.send({ stops } satisfies Message)
      await place('ready').promise
    },
    reached: (name) => place(name).promise,
    async killAt(stop, begin) {
      await built.stopAt([{ name: 'here', ...stop }])
      await begin()
      await built.reached('here')
      built.kill()
      await built.again()
    },
    async again() {
      await built.gone()
      node.heal()
      await built.start(built.next)
    },
    kill: () => void child?.kill('SIGKILL'),
    async gone() {
      if (child !== null && child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    },
    async stop() {
      child?.kill('SIGTERM')
      await built.gone()
    },
    async payer(funds = 1_000_000n) {
      const account = chain.accounts[next]
      next += 1
      if (account === undefined) throw new Error('The chain has no account left.')
      if (funds > 0n) await chain.mint(account.address, funds)
      return wallet(account, chain)
    },
    async transfers(payer) {
      const logs = await chain.publicClient.getLogs({
        address: chain.token,
        event: parseAbiItem('event Transfer(address indexed from, address indexed to, uint256 value)'),
        args: { from: payer.address, to: chain.accounts[payeeIndex]?.address ?? '0x' },
        fromBlock: 0n,
      })
      return logs.map(({ transactionHash }) => transactionHash)
    },
    runs: (tag) => upstream.seen.filter((seen) => seen.url.endsWith(`=${tag}`)).length,
    look: (ask) => look(String(input.database), ask),
    async audit() {
      await built.stop()
      node.heal()
      const gateway = await createGateway({
        config: Config.parse(input, environment),
        log: createLog({ level: 'silent' }),
      })
      try {
        await gateway.prepare()
        await gateway.settlement.settler.tick(await gateway.deps.ledger.channels({}).then(idsOf))
        for (let look = 0; look < 100; look += 1) {
          await gateway.settlement.resolver.tick()
          await gateway.settlement.watcher.poll()
          if ((await gateway.deps.ledger.openPayments(1)).length === 0) break
        }
        const { ok, text } = await auditGateway(gateway)
        const open = await gateway.deps.ledger.openPayments(10)
        return ok && open.length === 0 ? 'All holds.' : `${text}\n${open.length} payments are open.`
      } finally {
        await gateway.stop()
      }
    },
    async close() {
      built.kill()
      await built.gone()
      await upstream.close()
      await node.close()
      await chain.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
  return built
}

const idsOf = (channels: { id: Hex }[]) => channels.map(({ id }) => id)

export declare namespace house {
  type RouteInput = Omit<ConfigInput['routes'][number], 'upstream'> & { upstream?: string }
  type Options = {
    routes: RouteInput[]
    override?: Omit<Partial<ConfigInput>, 'chain'> & { chain?: Partial<ConfigInput['chain']> }
    /** Makes the volume that the books are on, inside the house's own folder, and names it. */
    disk?: (directory: string) => string
    accounts?: number
    /** When a `stopping` process replaces a transaction: the configuration has no less than 5. */
    replaceAfterSeconds?: number
    /** How long a `stopping` process waits for the write lock of its books. */
    busyTimeoutMs?: number
    /** Of the `stopping` one: who waits for the disk. A thread, as where there are several cores, by default. */
    sync?: 'beside' | 'small-at-once'
  }
}
