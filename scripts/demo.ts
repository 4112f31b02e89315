import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runDemo } from './demo/run-demo.ts'
import { startDevStack } from './dev/dev-stack.ts'

/**
 * `./run demo [--json] [--calls N]`: starts the whole stack, pays over every rail, closes the channel, and compares the
 * books with the chain. Exit code 0 only when all of it holds.
 */
const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, calls: { type: 'string', default: '100' } },
})
const calls = Number(values.calls)
if (!Number.isInteger(calls) || calls < 2) {
  process.stderr.write(`--calls ${JSON.stringify(values.calls)} is not a number of calls. Fix: 2 or more.\n`)
  process.exit(2)
}

const say = (line: string) => void (values.json ? process.stderr : process.stdout).write(`${line}\n`)
const directory = await mkdtemp(join(tmpdir(), 'farthing-demo-'))
try {
  say('Starting a local chain, an API to sell and a gateway that sells it …')
  const stack = await startDevStack({ directory, port: 0, rpcPort: 0 })
  try {
    const result = await runDemo(stack, { calls, say })
    say(result.ok ? 'All holds.' : 'SOMETHING DOES NOT HOLD.')
    if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`)
    process.exitCode = result.ok ? 0 : 1
  } finally {
    await stack.close()
  }
} finally {
  await rm(directory, { recursive: true, force: true })
}
