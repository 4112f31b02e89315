import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createChain } from '../gateway/chain/create-chain.ts'
import { systemClock } from '../gateway/clock.ts'
import { ConfigError } from '../gateway/config/Config.ts'
import { loadConfig } from '../gateway/config/load-config.ts'
import { GatewayError } from '../gateway/errors.ts'
import { openSqliteLedger } from '../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import { DecisionError } from './withdrawals/DecisionError.ts'
import { operate, readCommand, UsageError } from './withdrawals/operate.ts'

/**
 * `./run withdrawals list [--all] | held | approve ID | reject ID [--reason TEXT] | resolve ID --paid AMOUNT --note TEXT
 * [--config FILE] [--env-file FILE]`: looks at withdrawals, and decides about those that wait for an operator. It works on
 * the books, beside the running gateway, which pays; `resolve` reads what a payout moved from the chain. Exit code 0: done.
 * 1: too late, or there is none. 2: it could not be asked.
 */
const dev = join('.farthing', 'dev.config.json')
const hasOwn = ['ts', 'json', 'yaml', 'yml'].some((extension) => existsSync(`farthing.config.${extension}`))

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      all: { type: 'boolean', default: false },
      reason: { type: 'string', default: 'Rejected by an operator.' },
      paid: { type: 'string' },
      note: { type: 'string' },
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
    const { withdrawals, intentsFor, attempts } = ledger
    const tokens = [...config.tokens.values()]
    const { id: chainId, rpcUrl, relayerKey: relayer, depths: confirmations, agreementAbove } = config.chain
    const chain = createChain({
      chainId,
      rpcUrl,
      relayer,
      confirmations,
      agreementAbove,
      escrow: config.escrow,
      ledger,
      clock: systemClock,
    })
    const context = { withdrawals, intentsFor, attempts, chain, tokens, now: systemClock.now() }
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
