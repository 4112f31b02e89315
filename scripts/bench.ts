import { document } from './bench/document.ts'
import { type Options, readOptions, UsageError } from './bench/options.ts'
import { runBench } from './bench/run-bench.ts'

/**
 * `./run bench [--json] [--only REGEX] [--rounds N] [--warm MS] [--measure MS] [--past N] [--profile] [--quick] [--write]`:
 * how fast a paid call is, beside the same call free, beside others, and beside what this machine could do at most. Names
 * for `--only` are those of the rows, and `latency`, `growth` and `memory`. `--write` puts what was found into
 * docs/performance.md, which says how to read it.
 */
let options: Options
try {
  options = readOptions(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exit(2)
}

// What was started ends with this process.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

const say = (line: string) => void (options.json ? process.stderr : process.stdout).write(`${line}\n`)
const result = await runBench(options, say)
if (options.write) say(`Wrote ${await document(result)}`)
if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`)
