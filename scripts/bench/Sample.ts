import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Child, cores, isPinned, start } from './Child.ts'
import type { Done, Job, Said } from './load/main.ts'
import * as Script from './load/Script.ts'
import * as Profile from './Profile.ts'

/** One measurement of one server in fresh processes. Latencies in milliseconds. */
export type Sample = Done & {
  /** Answers a second. */
  rate: number
  /** Share of its core that the server used, 0 to 1. */
  serverBusy: number
  /** Time for a fixed piece of arithmetic on the server's core just before: when it moves, the machine moved. */
  calibrationMs: number
  /** Where the time went, if that was asked for. */
  profile?: Profile.Profile
}

/** Sends the script to a running server from a fresh generator, and watches both. */
export async function measure(server: Child, options: measure.Options): Promise<Sample> {
  const { folder, script, measureMs, profile = false, ...job } = options
  const file = join(folder, 'script.bin')
  await Script.write(file, script)
  const path = join(folder, 'job.json')
  writeFileSync(path, JSON.stringify({ ...job, measureMs, script: file } satisfies Job))
  const calibrationMs = calibrate()
  let before = 0
  let after = 0
  const recorded = join(folder, 'profile.json')
  let asked: Promise<unknown> = Promise.resolve()
  const generator = await start('rest', [process.execPath, 'scripts/bench/load/main.ts', path], (line) => {
    const said = JSON.parse(line) as Said
    if (said.event === 'measuring') {
      before = processorMs(server.pid)
      if (profile) asked = server.ask('profile')
    }
    if (said.event === 'measured') {
      after = processorMs(server.pid)
      if (profile) asked = asked.then(() => server.ask(`profiled ${recorded}`))
    }
    return said.event === 'done' ? said : null
  })
  const { event: _, ...done } = generator.ready
  await generator.stop()
  await asked
  return {
    ...done,
    rate: (done.answered * 1_000) / measureMs,
    serverBusy: (after - before) / measureMs,
    calibrationMs,
    ...(profile ? { profile: Profile.read(recorded) } : {}),
  }
}

export declare namespace measure {
  type Options = Omit<Job, 'script'> & {
    folder: string
    script: Script.Script
    /** Record where the time goes; the server has the probe. */
    profile?: boolean
  }
}

const arithmetic = `
let x = 3n
const m = (1n << 256n) - 189n
const spin = (n) => { for (let i = 0; i < n; i++) x = (x * x) % m }
spin(100_000)
const start = performance.now()
spin(300_000)
console.log(performance.now() - start)`

function calibrate(): number {
  const [program = '', ...rest] = [
    ...(isPinned ? ['taskset', '-c', String(cores.server)] : []),
    process.execPath,
    '-e',
    arithmetic,
  ]
  return Number(execFileSync(program, rest).toString())
}

/** Processor time that a process and its children have used, from /proc; 0 where there is none. */
function processorMs(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    // Fields 14 and 15 of the line, in ticks of 10 ms.
    const own = (Number(fields[11]) + Number(fields[12])) * 10
    return childrenOf(pid).reduce((sum, child) => sum + processorMs(child), own)
  } catch {
    return 0
  }
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  )
}
