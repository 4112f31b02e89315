import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import { startDevStack } from './dev/dev-stack.ts'

/** `./run dev [--port N] [--rpc-port N]`: the whole stack on this machine; stays up until it is told to stop. */
const { values } = parseArgs({
  options: { port: { type: 'string', default: '8402' }, 'rpc-port': { type: 'string', default: '8545' } },
})
const port = readPort('--port', values.port)
const rpcPort = readPort('--rpc-port', values['rpc-port'])
const directory = join(process.cwd(), '.farthing')
const file = join(directory, 'dev.json')

await mkdir(directory, { recursive: true })
// Whoever waits for the file must not find the last run's.
await rm(file, { force: true })
const stack = await startDevStack({ directory, port, rpcPort }).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
})
const { info } = stack
await writeFile(file, `${JSON.stringify(info, null, 2)}\n`, { mode: 0o600 })

const routes = new Table({ head: ['Method', 'Path', `Price`, 'Rails'], style: { head: [], border: [] } })
for (const route of info.routes) routes.push([route.method, route.path, route.price, route.rails.join(', ')])
const [wallet] = info.wallets
process.stdout.write(`
  Gateway  ${info.gatewayUrl}
  Chain    ${info.rpcUrl} (id ${info.chainId})
  Token    ${info.token.symbol} ${info.token.address}
  Escrow   ${info.escrow}
  Payee    ${info.payee}

${routes.toString()}

  Pay a call (test keys, public to everybody):
    export FARTHING_PRIVATE_KEY=${wallet?.privateKey}
    ./run farthing call ${info.gatewayUrl}/countries/AT

  The same for programs: ${file}
  Stop with Ctrl-C.
`)

let stopping = false
const stop = () => {
  if (stopping) return
  stopping = true
  void stack.close().finally(async () => {
    await rm(file, { force: true })
    process.exit(0)
  })
}
process.on('SIGINT', stop)
process.on('SIGTERM', stop)

function readPort(name: string, value: string): number {
  const number = Number(value)
  if (Number.isInteger(number) && number >= 0 && number <= 65_535) return number
  process.stderr.write(
    `${name} ${JSON.stringify(value)} is not a port. Fix: 0 to 65535; 0 picks a free one.\n`,
  )
  process.exit(2)
}
