import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { privateKeyToAccount } from 'viem/accounts'
import { auditBooks } from '../gateway/audit-books.ts'
import { deepest } from '../gateway/chain/depth.ts'
import { ConfigError } from '../gateway/config/Config.ts'
import { loadConfig } from '../gateway/config/load-config.ts'
import { GatewayError } from '../gateway/errors.ts'
import { auditOptions } from '../gateway/gateway.ts'
import { parseAnchor } from '../gateway/ledger/sqlite/trail/Event.ts'
import { decide } from './audit/decide.ts'
import { describeAudit, isClean } from './audit/describe-audit.ts'

/**
 * `./run audit [--config FILE] [--env-file FILE] [--anchor SEQ:HASH] [--json]`: checks the laws of the books and the
 * chain of hashes of their trail, and compares them with the chain. Writes nothing, also while the gateway runs. Exit code
 * 0: all holds. 1: something does not. 2: it could not be asked.
 *
 * `--accept-restored` books what the chain knows and restored books do not; `--accept TX` takes a difference as known.
 * These two write, and then audit.
 */
const { values } = parseArgs({
  options: {
    config: { type: 'string' },
    'env-file': { type: 'string' },
    anchor: { type: 'string' },
    'accept-restored': { type: 'boolean', default: false },
    accept: { type: 'string', multiple: true, default: [] },
    json: { type: 'boolean', default: false },
  },
})

// Without a configuration of the operator's own, the developer's stack is audited.
const dev = join('.farthing', 'dev.config.json')
const hasOwn = ['ts', 'json', 'yaml', 'yml'].some((extension) => existsSync(`farthing.config.${extension}`))
const useDev = values.config === undefined && !hasOwn && existsSync(dev)

try {
  const anchor = values.anchor === undefined ? undefined : parseAnchor(values.anchor)
  const environment = values['env-file'] ?? (useDev ? join('.farthing', 'dev.env') : undefined)
  if (environment !== undefined) process.loadEnvFile(environment)
  const config = await loadConfig(useDev ? dev : values.config)
  if (values['accept-restored'] || values.accept.length > 0)
    for (const line of await decide(config, {
      acceptRestored: values['accept-restored'],
      accept: values.accept,
    }))
      process.stderr.write(`${line}\n`)
  const payee = privateKeyToAccount(config.chain.relayerKey).address.toLowerCase() as `0x${string}`
  const chain = { payee, confirmations: deepest(config.chain.depths) }
  const audit = await auditBooks({ ...auditOptions(config, chain), anchor })
  const ok = isClean(audit)
  process.stdout.write(values.json ? `${JSON.stringify({ ok, ...audit })}\n` : describeAudit(audit))
  process.exitCode = ok ? 0 : 1
} catch (error) {
  const known = error instanceof ConfigError || error instanceof GatewayError || error instanceof RangeError
  process.stderr.write(`${known ? error.message : error instanceof Error ? error.stack : String(error)}\n`)
  process.exitCode = 2
}
