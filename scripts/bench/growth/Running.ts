import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../dev/free-port.ts'
import type { Child } from '../Child.ts'
import { startGateway } from '../Gateway.ts'
import type { Memory } from '../probe.ts'
import type { Stand } from '../Stand.ts'
import type { SeededLedger } from './Ledgers.ts'

/** A gateway on a seeded ledger, with the probe in it. */
export type Running = {
  ledger: SeededLedger
  gateway: Child
  port: number
  folder: string
  fileBytes: number
  /** Time from the start of the process until it listens. */
  startMs: number
  memoryAtStart: Memory
  stop(): Promise<void>
}

/** Starts it. The ledger is used where it lies: what is measured goes into it. */
export async function startOn(ledger: SeededLedger, stand: Stand): Promise<Running> {
  const folder = mkdtempSync(join(stand.folder, 'growth-'))
  const port = await freePort()
  const began = performance.now()
  const upstream = stand.upstream.port
  const gateway = await startGateway({ ...stand, port, folder, upstream, database: ledger.path, probe: true })
  const startMs = performance.now() - began
  return {
    ledger,
    gateway,
    port,
    folder,
    fileBytes: statSync(ledger.path).size,
    startMs,
    memoryAtStart: (await gateway.ask('memory')) as Memory,
    async stop() {
      await gateway.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
