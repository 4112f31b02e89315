import { type ChildProcess, fork } from 'node:child_process'
import { failed, type Plan, type SeedReport } from './SeedReport.ts'

/** Seeds that one process runs: the EVM keeps some memory of each. */
const perProcess = 40

/** Spreads seeds over processes: each gets the next one as soon as it is free. `done` says whether to go on. */
export async function runInProcesses(options: runInProcesses.Options): Promise<void> {
  const { jobs, done } = options
  const seeds = options.seeds[Symbol.iterator]()
  let stopped = false

  async function serve(): Promise<void> {
    let child: ChildProcess | null = null
    let served = 0
    for (let next = seeds.next(); next.done !== true; next = seeds.next()) {
      if (child === null) served = 0
      child ??= await start()
      const report: SeedReport | null = await ask(child, options.plan, next.value)
      served += 1
      if (!done(report ?? failed(next.value, 'The process that ran it ended.'))) stopped = true
      if (report === null || stopped || served === perProcess) {
        if (child.connected) child.disconnect()
        child = null
      }
      if (stopped) return
    }
    child?.disconnect()
  }
  await Promise.all(Array.from({ length: jobs }, serve))
}

export declare namespace runInProcesses {
  type Options = {
    seeds: Iterable<number>
    jobs: number
    plan: Plan
    done(report: SeedReport): boolean
  }
}

/** A process that is ready. */
function start(): Promise<ChildProcess> {
  const child = fork(new URL('./worker.ts', import.meta.url), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  return new Promise((resolve, reject) => {
    child.once('message', () => resolve(child))
    child.once('exit', (code) => reject(new Error(`A process for seeds ended with ${code} at its start.`)))
  })
}

/** Null when the process ended instead of an answer. */
function ask(child: ChildProcess, plan: Plan, seed: number): Promise<SeedReport | null> {
  return new Promise((resolve) => {
    const ended = () => resolve(null)
    child.once('exit', ended)
    child.once('message', (report) => {
      child.off('exit', ended)
      resolve(report as SeedReport)
    })
    child.send({ plan, seed })
  })
}
