import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../dev/free-port.ts'
import { start } from './Child.ts'
import type { ChainFacts } from './chain.ts'
import { startGateway } from './Gateway.ts'
import { key } from './Key.ts'
import { type Payer, preparePayers } from './payers.ts'
import { hasNginx, startNginx } from './servers/nginx.ts'

/** What stays up for a whole run, and what every sample begins from. */
export type Stand = {
  folder: string
  chain: ChainFacts
  /** Port of the API that is sold, and what serves it. */
  upstream: { port: number; kind: 'nginx' | 'node' }
  /** Port that every gateway of the run listens on: offers and sessions hold for it. */
  port: number
  payers: readonly Payer[]
  /** Puts the books as they were before the first measured call into a folder of a sample. */
  freshLedger(folder: string): string
  close(): Promise<void>
}

/** Starts the chain and the API, and opens one channel a connection on chain, for real. */
export async function prepareStand(options: {
  connections: number
  say(line: string): void
}): Promise<Stand> {
  const folder = mkdtempSync(join(tmpdir(), 'farthing-bench-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  process.once('exit', remove)
  const closing: (() => Promise<void>)[] = [async () => remove()]
  const close = async () => {
    for (const end of closing.splice(0).reverse()) await end()
  }
  try {
    const keys = Array.from({ length: options.connections }, (_, index) => key(`payer ${index}`))
    options.say('Starting a chain, an API to sell and a gateway; opening channels …')
    const chain = await start(
      'rest',
      [process.execPath, 'scripts/bench/chain.ts', ...keys.map(({ address }) => address)],
      (line) => (line.startsWith('{') ? (JSON.parse(line) as ChainFacts) : null),
    )
    closing.push(chain.stop)
    const upstream = await startUpstream(folder)
    closing.push(upstream.stop)
    const port = await freePort()
    const template = join(folder, 'template.sqlite')
    const stand = { folder, chain: chain.ready, upstream, port }
    const gateway = await startGateway({ ...stand, upstream: upstream.port, database: template })
    let payers: Payer[]
    try {
      payers = await preparePayers(`http://127.0.0.1:${port}`, keys)
    } finally {
      await gateway.stop()
    }
    return {
      ...stand,
      payers,
      freshLedger(place) {
        const database = join(place, 'ledger.sqlite')
        for (const suffix of ['', '-wal'])
          if (existsSync(template + suffix)) copyFileSync(template + suffix, database + suffix)
        return database
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

async function startUpstream(folder: string) {
  if (hasNginx) {
    const nginx = await startNginx('rest', folder, { answers: true })
    return { port: nginx.port, kind: 'nginx' as const, stop: nginx.stop }
  }
  const port = await freePort()
  const command = [process.execPath, 'scripts/bench/servers/upstream.ts', String(port)]
  const { stop } = await start('rest', command, (line) => (line === 'ready' ? true : null))
  return { port, kind: 'node' as const, stop }
}
