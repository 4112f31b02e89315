import { createServer } from 'node:http'
import { createRelay } from './relay.ts'

/** `servers/dispatch.ts PORT UPSTREAM`: bare node:http in front of undici's `Pool.dispatch`; nothing is checked. */
const [port, upstream] = process.argv.slice(2).map(Number)
const relay = createRelay(upstream ?? 0)
createServer((request, response) => relay(request.url ?? '/', response)).listen(port, '127.0.0.1', () =>
  process.stdout.write('ready\n'),
)
process.on('SIGTERM', () => process.exit(0))
