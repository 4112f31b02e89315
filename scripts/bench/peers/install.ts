import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Installs the peers' packages beside their servers, once. Says why it cannot; null when they are there. */
export function installPeers(say: (line: string) => void): string | null {
  const folder = import.meta.dirname
  if (existsSync(join(folder, 'node_modules', '.package-lock.json'))) return null
  say('Installing the packages of the servers that are compared with …')
  const npm = spawnSync(
    'npm',
    ['ci', '--no-audit', '--no-fund', '--loglevel=error', '--fetch-timeout=60000'],
    {
      cwd: folder,
      encoding: 'utf8',
    },
  )
  if (npm.status === 0) return null
  return `npm ci in scripts/bench/peers failed: ${npm.error?.message ?? npm.stderr.trim().split('\n')[0]}`
}
