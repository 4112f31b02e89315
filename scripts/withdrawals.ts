import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { systemClock } from '../gateway/clock.ts'
import { ConfigError } from '../gateway/config/Config.ts'
import { loadConfig } from '../gateway/config/load-config.ts'
import { GatewayError } from '../gateway/errors.ts'
import { openSqliteLedger } from '../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import { DecisionError, operate, readCommand, UsageError } from './withdrawals/operate.ts'

/**
 * `./run withdrawals list [--all] | approve ID | reject ID [--reason TEXT] [--config FILE] [--env-file FILE]`: looks at
 * withdrawals, and decides about those that wait for an operator. It works on the books, beside the running gateway, which
 * pays. Exit code 0: done. 1: too late, or there is none. 2: it could not be asked.
 */
const dev = join('.farthing', 'dev.config.json')
const hasOwn = ['ts', 'json', 'yaml', 'yml'].some((extension) => existsSync(`farthing.config.${extension}`))

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      all: { type: 'boolean', default: false },
      reason: { type: 'string', default: 'Rejected by an operator.' },
      config: { type: 'string' },
      'env-file': { type: 'string' },
    },
  })
  const command = readCommand(positionals, values)
  // Without a configuration of the operator's own, it is the developer's stack.
  const useDev = values.config === undefined && !hasOwn && existsSync(dev)
  const environment = values['env-file'] ?? (useDev ? join('.farthing', 'dev.env') : undefined)
  if (environment !== undefined) process.loadEnvFile(environment)
  const config = await loadConfig(useDev ? dev : values.config)
  const ledger = await openSqliteLedger({ path: config.database })
  try {
    const context = {
      withdrawals: ledger.withdrawals,
      tokens: [...config.tokens.values()],
      now: systemClock.now(),
    }
    process.stdout.write(await operate(command, context))
  } finally {
    await ledger.close()
  }
} catch (error) {
  const known =
    error instanceof ConfigError ||
    error instanceof GatewayError ||
    error instanceof DecisionError ||
    error instanceof UsageError ||
    error instanceof TypeError
  process.stderr.write(`${known ? error.message : error instanceof Error ? error.stack : String(error)}\n`)
  process.exitCode = error instanceof DecisionError ? 1 : 2
}
