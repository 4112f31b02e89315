import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ConfigError } from '../gateway/config/Config.ts'
import { loadConfig } from '../gateway/config/load-config.ts'
import { createGateway } from '../gateway/gateway.ts'
import { createLog } from '../gateway/telemetry/log.ts'
import { auditGateway } from './audit/audit-gateway.ts'

/**
 * `./run audit [--config FILE] [--env-file FILE] [--json]`: checks the laws of the books and compares them with the
 * chain. Exit code 0: all holds. 1: something does not. 2: it could not be asked.
 */
const { values } = parseArgs({
  options: {
    config: { type: 'string' },
    'env-file': { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})

// Without a configuration of the operator's own, the developer's stack is audited.
const dev = join('.farthing', 'dev.config.json')
const hasOwn = ['ts', 'json', 'yaml', 'yml'].some((extension) => existsSync(`farthing.config.${extension}`))
const useDev = values.config === undefined && !hasOwn && existsSync(dev)

try {
  const environment = values['env-file'] ?? (useDev ? join('.farthing', 'dev.env') : undefined)
  if (environment !== undefined) process.loadEnvFile(environment)
  const config = await loadConfig(useDev ? dev : values.config)
  const gateway = await createGateway({ config, log: createLog({ level: 'silent' }) })
  try {
    const report = await auditGateway(gateway)
    process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : report.text)
    process.exitCode = report.ok ? 0 : 1
  } finally {
    await gateway.stop()
  }
} catch (error) {
  const known = error instanceof ConfigError
  process.stderr.write(`${known ? error.message : error instanceof Error ? error.stack : String(error)}\n`)
  process.exitCode = 2
}
