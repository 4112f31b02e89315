import { parseArgs } from 'node:util'
import { loadConfig } from './config/load-config.ts'
import { createGateway } from './gateway.ts'
import { createLog } from './telemetry/log.ts'

/** `farthing-gateway [--config FILE]`: the process. The only place that listens to signals and ends it. */
const { values } = parseArgs({ options: { config: { type: 'string' } } })
const log = createLog()

try {
  const gateway = await createGateway({ config: await loadConfig(values.config), log })
  const { port } = await gateway.start()
  log.info(
    { port, publicUrl: gateway.deps.config.publicUrl.origin, payee: gateway.deps.chain.payee },
    'listening',
  )
  let stopping = false
  const stop = (reason: string, code = 0) => {
    if (stopping) return
    stopping = true
    log.info({ reason }, 'stopping')
    gateway.stop().then(
      () => process.exit(code),
      (error: unknown) => {
        log.error({ err: error }, 'stopping failed')
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', () => stop('SIGTERM'))
  process.on('SIGINT', () => stop('SIGINT'))
  // Whoever started it starts it again: as a new instance, whose calls nobody else has ended.
  void gateway.membership.lost.then(() => stop('instance-lost', 1))
} catch (error) {
  // What went wrong is said in words; where, only to whoever reads the log at that depth.
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  log.debug({ err: error }, 'start failed')
  process.exit(1)
}
