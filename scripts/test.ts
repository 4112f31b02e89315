import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { countSolidity, countVitest, noTests, type Tally } from './test/tally.ts'

/**
 * `./run test`: compiles the contracts, tests them, then runs the whole suite. `./run test ARGS` hands its arguments to
 * vitest alone. The last line sums up; the exit code is 0 only when something ran and nothing failed.
 */

const root = join(import.meta.dirname, '..')
const args = process.argv.slice(2)
/** A test that runs in circles is not ended by its own time limit: then the whole suite is, and says so. */
const longestMs = 30 * 60_000

// The tests in Solidity are compiled by their own runner.
const compiled = await run('hardhat', ['build', '--no-tests', '--quiet'])
if (compiled.code !== 0) finish([{ ...noTests, failed: 1 }])
const tallies: Tally[] = []
if (args.length === 0) tallies.push(await testSolidity())
tallies.push(await testTypeScript(args))
finish(tallies)

async function testSolidity(): Promise<Tally> {
  const { code, output } = await run('hardhat', ['test', 'solidity'])
  return sound(countSolidity(output), code)
}

async function testTypeScript(filters: string[]): Promise<Tally> {
  const folder = mkdtempSync(join(tmpdir(), 'farthing-test-'))
  const report = join(folder, 'report.json')
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
    const { code } = await run('vitest', ['run', ...reporters, ...filters])
    return sound(countVitest(read(report)), code)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A runner that fails without naming a test has failed all the same. */
function sound(tally: Tally, code: number): Tally {
  return code !== 0 && tally.failed === 0 ? { ...tally, failed: 1 } : tally
}

function finish(results: readonly Tally[]): never {
  const passed = results.reduce((sum, one) => sum + one.passed, 0)
  const failed = results.reduce((sum, one) => sum + one.failed, 0)
  const empty = results.some((one) => one.passed + one.failed === 0)
  if (empty) console.log('A part of the suite ran no test at all.')
  console.log(`${passed} passed, ${failed} failed`)
  process.exit(failed > 0 || empty ? 1 : 0)
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** Runs a tool of the project: what it says is shown as it comes, and kept. */
function run(tool: string, parameters: string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(join(root, 'node_modules', '.bin', tool), parameters, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: longestMs,
      killSignal: 'SIGKILL',
      env: { ...process.env, ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}) },
    })
    const stop = (signal: NodeJS.Signals) => child.kill(signal)
    process.on('SIGINT', stop).on('SIGTERM', stop)
    const output: Buffer[] = []
    child.stdout.on('data', (data: Buffer) => {
      output.push(data)
      process.stdout.write(data)
    })
    const end = (code: number) => {
      process.off('SIGINT', stop).off('SIGTERM', stop)
      resolve({ code, output: Buffer.concat(output).toString() })
    }
    child.on('error', (error) => {
      console.error(error.message)
      end(1)
    })
    child.on('close', (code, signal) => {
      if (signal === null) return end(code ?? 1)
      if (signal !== 'SIGKILL') process.exit(130)
      console.error(
        `${tool} was killed: it had not ended within ${longestMs / 60_000} minutes, or memory ran out.`,
      )
      end(1)
    })
  })
}
