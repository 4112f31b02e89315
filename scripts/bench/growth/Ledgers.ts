import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, statfsSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Stand } from '../Stand.ts'
import { type Seeded, seededChannels, seedLedger } from './seed.ts'
import type { Size } from './sizes.ts'

/** A seeded ledger on disk, and what is in it. */
export type SeededLedger = { size: Size; path: string; channels: readonly Seeded[]; live: number }

/**
 * Most channels of the escrow in use. At its start a gateway asks the chain about each of them, one after the other; the
 * others belong to an earlier escrow, lie in the same tables, and are not asked for.
 */
const mostLive = 50_000

/** Bytes of disk for a call and for a channel, with what the making of indexes needs. */
const perCall = 3_000
const perChannel = 2_000

/** Makes the ledger of a size, or takes the one that an earlier run has left. */
export async function seeded(size: Size, stand: Stand, say: (line: string) => void): Promise<SeededLedger> {
  const folder = folderOf()
  mkdirSync(folder, { recursive: true })
  const payers = stand.payers.map(({ key }) => key.address)
  const live = Math.min(size.channels, mostLive)
  const channels = seededChannels(size.channels, payers)
  const { chainId, escrow, token, payee } = stand.chain
  const sources = ['gateway/ledger/sqlite/schema.sql', 'scripts/bench/growth/seed.ts'].map((file) =>
    readFileSync(file, 'utf8'),
  )
  // Another schema, another way of writing, another chain or other payers: another file.
  const name = createHash('sha256')
    .update(JSON.stringify([sources, size, live, payers, chainId, escrow, token, payee]))
    .digest('hex')
  const path = join(folder, `${size.channels}-${size.past}-${name.slice(0, 16)}.sqlite`)
  if (!existsSync(path)) {
    say(`Writing a ledger of ${size.channels} channels and ${size.past} past calls to ${path} …`)
    const began = performance.now()
    await seedLedger({ path, channels, past: size.past, chain: stand.chain, live, say })
    const [seconds, bytes] = [(performance.now() - began) / 1_000, statSync(path).size]
    say(`  ${(bytes / 1e9).toFixed(2)} GB in ${seconds.toFixed(0)} s; it stays there for the next run`)
  }
  return { size, path, channels, live }
}

/** Why these sizes have no place on the disk; null when they have. */
export function lacksRoom(sizes: readonly Size[]): string | null {
  const folder = folderOf()
  mkdirSync(folder, { recursive: true })
  const needed = sizes.reduce((sum, { channels, past }) => sum + channels * perChannel + past * perCall, 0)
  const { bavail, bsize } = statfsSync(folder)
  const has = bavail * bsize
  if (needed < has) return null
  return `its ledgers need ${(needed / 1e9).toFixed(0)} GB in ${folder}; ${(has / 1e9).toFixed(0)} GB are free. Fix: --past 100000, or set TMPDIR`
}

const folderOf = () => join(tmpdir(), 'farthing-bench-ledgers')
