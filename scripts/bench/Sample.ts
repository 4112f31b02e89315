import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Child, cores, isPinned, start } from './Child.ts'
import type { Done, Job, Said } from './load/main.ts'
import * as Script from './load/Script.ts'
import * as Profile from './Profile.ts'
import type { Pauses } from './probe.ts'

/** One measurement of one server in fresh processes. Latencies in milliseconds. */
export type Sample = Done & {
  /** Answers a second. */
  rate: number
  /** Share of its core that the server used, 0 to 1. */
  serverBusy: number
  /** Processor time of the server for one answer, in microseconds: says more than the rate while others use the machine. */
  microsPerCall: number
  /** Share of the time in which the server's core had something to run and the machine below served others, 0 to 1. */
  stolen: number
  /** Time for a fixed piece of arithmetic on the server's core just before: when it moves, the machine moved. */
  calibrationMs: number
  /** Forged payments that were tried before, all of them refused. */
  forgedRefused?: number
  /** Where the time went, if that was asked for. */
  profile?: Profile.Profile
  /** Pauses of the collector while it was measured, if that was asked for. */
  pauses?: { scavenges: number; longestScavenge: number; longestOther: number; keptPerCall: number | null }
}

/** Sends the script to a running server from a fresh generator, and watches both. */
export async function measure(server: Child, options: measure.Options): Promise<Sample> {
  const { folder, script, measureMs, watch, ...job } = options
  const file = join(folder, 'script.bin')
  await Script.write(file, script)
  const path = join(folder, 'job.json')
  writeFileSync(path, JSON.stringify({ ...job, measureMs, script: file } satisfies Job))
  const calibrationMs = calibrate()
  let before = 0
  let after = 0
  let stolen = 0
  const recorded = join(folder, 'profile.json')
  let asked: Promise<unknown> = Promise.resolve()
  const generator = await start('rest', [process.execPath, 'scripts/bench/load/main.ts', path], (line) => {
    const said = JSON.parse(line) as Said
    if (said.event === 'measuring') {
      before = processorMs(server.pid)
      stolen = -stolenMs()
      if (watch === 'profile') asked = server.ask('profile')
      if (watch === 'pauses') asked = server.ask('forget-pauses')
    }
    if (said.event === 'measured') {
      after = processorMs(server.pid)
      stolen += stolenMs()
      if (watch === 'profile') asked = asked.then(() => server.ask(`profiled ${recorded}`))
      if (watch === 'pauses') asked = asked.then(() => server.ask('pauses'))
    }
    return said.event === 'done' ? said : null
  })
  const { event: _, ...done } = generator.ready
  await generator.stop()
  const told = await asked
  return {
    ...done,
    rate: (done.answered * 1_000) / measureMs,
    serverBusy: (after - before) / measureMs,
    microsPerCall: done.answered === 0 ? 0 : ((after - before) * 1_000) / done.answered,
    stolen: stolen / measureMs,
    calibrationMs,
    ...(watch === 'profile' ? { profile: Profile.read(recorded) } : {}),
    ...(watch === 'pauses' ? { pauses: summary(told as Pauses, done.answered) } : {}),
  }
}

function summary({ scavenge, other, kept }: Pauses, calls: number): NonNullable<Sample['pauses']> {
  return {
    scavenges: scavenge.length,
    longestScavenge: Math.max(0, ...scavenge),
    longestOther: Math.max(0, ...other),
    keptPerCall: kept === null || calls === 0 ? null : kept / calls,
  }
}

export declare namespace measure {
  type Options = Omit<Job, 'script'> & {
    folder: string
    script: Script.Script
    /** What the server's probe records meanwhile. */
    watch?: 'profile' | 'pauses' | undefined
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

/** What the hypervisor took of the server's core since the machine started, from /proc; 0 where there is none. */
function stolenMs(): number {
  try {
    const line =
      readFileSync('/proc/stat', 'utf8').match(new RegExp(`^cpu${cores.server} .*$`, 'm'))?.[0] ?? ''
    // User, nice, system, idle, iowait, irq, softirq, steal: ticks of 10 ms.
    return Number(line.split(' ')[8] ?? 0) * 10
  } catch {
    return 0
  }
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  )
}
