import { readFileSync } from 'node:fs'
import { generate } from './generate.ts'
import * as Script from './Script.ts'

/** `load/main.ts JOB.json`: the load generator as a process of its own. Says in JSON lines where it is, and what it saw. */
const [path = ''] = process.argv.slice(2)
const job = JSON.parse(readFileSync(path, 'utf8')) as Job
const say = (line: Said) => void process.stdout.write(`${JSON.stringify(line)}\n`)

const { latencies, ...seen } = await generate({
  ...job,
  script: Script.read(job.script),
  onMeasuring: () => say({ event: 'measuring' }),
  onMeasured: () => say({ event: 'measured' }),
})
const percentile = (share: number) =>
  latencies[Math.min(latencies.length - 1, Math.floor(share * latencies.length))] ?? 0
say({
  event: 'done',
  ...seen,
  p50: percentile(0.5),
  p99: percentile(0.99),
  p999: percentile(0.999),
  max: latencies.at(-1) ?? 0,
})

/** `script` is a file that `Script.write` wrote. */
export type Job = Omit<generate.Options, 'script' | 'onMeasuring' | 'onMeasured'> & { script: string }

export type Done = {
  answered: number
  answeredInAll: number
  failed: number
  exhausted: number
  firstFailure: string | null
  busy: number
  p50: number
  p99: number
  p999: number
  max: number
}

export type Said = { event: 'measuring' } | { event: 'measured' } | ({ event: 'done' } & Done)
