import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import * as Config from '../../gateway/config/Config.ts'
import type { ConfigInput } from '../../gateway/config/define-config.ts'
import { createGateway } from '../../gateway/gateway.ts'
import type { Ledger } from '../../gateway/ledger/Ledger.ts'
import { createLog } from '../../gateway/telemetry/log.ts'
import { auditGateway } from '../../scripts/audit/audit-gateway.ts'
import { freePort } from '../../scripts/dev/free-port.ts'
import { type LocalChain, startChain } from '../support/chain.ts'
import { payeeIndex } from '../support/gateway.ts'
import { type RecordingUpstream, recordingUpstream } from '../support/recording-upstream.ts'
import { wallet } from '../support/wallet.ts'
import { look } from './look.ts'

/** One gateway process of several that keep the same books, behind one public address. */
export type Twin = {
  url: string
  /** Starts `gateway/main.ts`, and resolves when it listens. */
  start(): Promise<void>
  signal(name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void
  /** Resolves with its exit code, null when it was killed. */
  gone(): Promise<number | null>
  /** Asks it to stop, as an operator does. */
  stop(): Promise<void>
  /** Events of its log since it was started last. */
  said: Record<string, unknown>[]
  /** How often it said this. */
  times(event: string): number
}

/** Gateways on one ledger file, one chain and one upstream, with one key. */
export type Twins = {
  one: Twin
  two: Twin
  chain: LocalChain
  upstream: RecordingUpstream
  /** A wallet of its own for each call of this. */
  payer(funds?: bigint): Promise<wallet.Wallet>
  /** How often the upstream was asked for what names this. */
  runs(tag: string): number
  /** Reads the books beside them. */
  look<Result>(ask: (books: Ledger) => Promise<Result>): Promise<Result>
  /** Stops both and audits their books, by themselves and against the chain. */
  audit(): Promise<string>
  close(): Promise<void>
}

/** Builds them. Nothing is started. */
export async function twins(routes: Omit<ConfigInput['routes'][number], 'upstream'>[]): Promise<Twins> {
  const chain = await startChain({ accounts: 60 })
  const upstream = await recordingUpstream()
  const directory = await mkdtemp(join(tmpdir(), 'farthing-twins-'))
  const environment = {
    FARTHING_SECRET: Buffer.alloc(32, 7).toString('base64'),
    FARTHING_RELAYER_KEY: chain.privateKeys[payeeIndex] ?? '0x',
  }
  const inputFor = (port: number) => ({
    publicUrl: 'https://farthing.test',
    behindTlsProxy: true,
    listen: { port },
    secret: { env: 'FARTHING_SECRET' },
    database: join(directory, 'ledger.sqlite'),
    escrow: chain.escrow,
    tokens: { USD: { address: chain.token, decimals: 6, name: 'Test USD', version: '2' } },
    routes: routes.map((route) => ({ upstream: upstream.url, ...route })) as ConfigInput['routes'],
    chain: {
      id: chain.chainId,
      rpcUrl: chain.rpcUrl,
      startBlock: 0,
      relayerKey: { env: 'FARTHING_RELAYER_KEY' },
      pollMs: 50,
      timeoutMs: 20_000,
    },
    settlement: { threshold: '0.05', maxAgeSeconds: 600, everyMs: 200 },
    audit: { everySeconds: 0 },
  })

  async function twin(name: string): Promise<Twin> {
    const port = await freePort()
    const config = join(directory, `${name}.config.json`)
    await writeFile(config, JSON.stringify(inputFor(port)))
    let child: ChildProcess | null = null
    const built: Twin = {
      url: `http://127.0.0.1:${port}`,
      said: [],
      times: (event) => built.said.filter(({ msg }) => msg === event).length,
      async start() {
        const started = spawn(process.execPath, ['gateway/main.ts', '--config', config], {
          env: { PATH: process.env.PATH ?? '', ...environment },
          stdio: ['ignore', 'pipe', 'pipe'],
        })
        child = started
        built.said = []
        let complaints = ''
        started.stderr?.on('data', (chunk: Buffer) => {
          complaints += chunk.toString()
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
      signal: (signal) => void child?.kill(signal),
      async gone() {
        if (child === null) return null
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
        return child.exitCode
      },
      async stop() {
        const ended = child === null || child.exitCode !== null || child.signalCode !== null
        if (ended) return
        child?.kill('SIGTERM')
        // A signal that ends it at once leaves its calls, and says nothing to the other one.
        if ((await built.gone()) !== 0) throw new Error(`Gateway ${name} did not stop in order.`)
      },
    }
    return built
  }

  const [one, two] = [await twin('one'), await twin('two')]
  let next = 2
  return {
    one,
    two,
    chain,
    upstream,
    async payer(funds = 1_000_000n) {
      const account = chain.accounts[next]
      next += 1
      if (account === undefined) throw new Error('The chain has no account left.')
      await chain.mint(account.address, funds)
      return wallet(account, chain)
    },
    runs: (tag) => upstream.seen.filter((seen) => seen.url.endsWith(`=${tag}`)).length,
    look: (ask) => look(join(directory, 'ledger.sqlite'), ask),
    async audit() {
      await Promise.all([one.stop(), two.stop()])
      const config = Config.parse(inputFor(1), environment)
      const gateway = await createGateway({ config, log: createLog({ level: 'silent' }) })
      try {
        await gateway.prepare()
        const { ledger } = gateway.deps
        await gateway.settlement.settler.tick((await ledger.channels({})).map(({ id }) => id))
        for (let look = 0; look < 100; look += 1) {
          await gateway.settlement.resolver.tick()
          await gateway.settlement.watcher.poll()
          if ((await ledger.openPayments(1)).length === 0) break
        }
        const { ok, text } = await auditGateway(gateway)
        const open = (await ledger.openPayments(10)).length
        return ok && open === 0 ? 'All holds.' : `${text}\n${open} payments are open.`
      } finally {
        await gateway.stop()
      }
    },
    async close() {
      for (const each of [one, two]) {
        each.signal('SIGKILL')
        await each.gone()
      }
      await upstream.close()
      await chain.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
