import { parseArgs } from 'node:util'
import { loadConfig } from './config/load-config.ts'
import { createGateway } from './gateway.ts'
import { createLog } from './telemetry/log.ts'

/** `farthing-gateway [--config FILE]`: the process. The only place that listens to signals and ends it. */
const { values } = parseArgs({ options: { config: { type: 'string' } } })
const log = createLog()

try {
  const gateway = await createGateway({ config: await loadConfig(values.config), log })
  let state: 'starting' | 'running' | 'stopping' = 'starting'
  const stop = (reason: string, code = 0) => {
    if (state === 'stopping') return
    // Nothing is sold yet; what it was doing is taken up by whoever starts next, as after a crash.
    if (state === 'starting') process.exit(1)
    state = 'stopping'
    log.info({ reason }, 'stopping')
    gateway.stop().then(
      () => process.exit(code),
      (error: unknown) => {
        log.error({ err: error }, 'stopping failed')
        process.exit(1)
      },
    )
  }
  // Before anybody is told that it serves: who is told may stop it at once, and its calls end in order.
  process.on('SIGTERM', () => stop('SIGTERM'))
  process.on('SIGINT', () => stop('SIGINT'))
  const { port } = await gateway.start()
  state = 'running'
  log.info(
    { port, publicUrl: gateway.deps.config.publicUrl.origin, payee: gateway.deps.chain.payee },
    'listening',
  )
  // Whoever started it starts it again: as a new instance, whose calls nobody else has ended.
  void gateway.membership.lost.then(() => stop('instance-lost', 1))
} catch (error) {
  // What went wrong is said in words; where, only to whoever reads the log at that depth.
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  log.debug({ err: error }, 'start failed')
  process.exit(1)
}
