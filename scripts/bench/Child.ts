import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'

/** A process of the harness, pinned to a core where the machine can do that. */
export type Child = {
  pid: number
  /** Asks the process over its channel; only of one that has a probe. */
  ask(question: string): Promise<unknown>
  /** Tells it to end, and waits. */
  stop(): Promise<void>
}

/** Server under test, and everything else. */
export const cores = { server: 0, rest: 1 } as const

/** Children that live. They end with this process, however it ends. */
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill()
})

const taskset = spawnSync('taskset', ['--version'], { stdio: 'ignore' }).status === 0

/** Whether processes are pinned: `taskset` is there. */
export const isPinned = taskset

/** Starts a program on a core. Resolves with what `ready` makes of its first matching line of output. */
export function start<T>(
  core: keyof typeof cores,
  command: readonly string[],
  ready: (line: string) => T | null,
  options: start.Options = {},
): Promise<Child & { ready: T }> {
  const line = taskset ? ['taskset', '-c', String(cores[core]), ...command] : [...command]
  const [program = '', ...parameters] = line
  const child = spawn(program, parameters, {
    stdio: ['ignore', 'pipe', 'pipe', ...(options.probe === true ? (['ipc'] as const) : [])],
    env: { ...process.env, ...options.environment },
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  const errors: string[] = []
  child.stderr?.on('data', (data: Buffer) => errors.push(data.toString()))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) =>
      reject(
        new Error(`${command.join(' ')} ended (${code ?? signal}) before it was ready.\n${errors.join('')}`),
      ),
    )
    if (child.stdout === null) return reject(new Error('A child has no standard output.'))
    createInterface({ input: child.stdout }).on('line', (text) => {
      options.onLine?.(text)
      const found = ready(text)
      if (found === null) return
      resolve({
        ready: found,
        pid: child.pid ?? 0,
        ask: (question) => ask(child, question),
        stop: () => stop(child),
      })
    })
  })
}

export declare namespace start {
  type Options = {
    environment?: Record<string, string>
    /** Give it a channel for `ask`. */
    probe?: boolean
    onLine?(line: string): void
  }
}

function ask(child: ChildProcess, question: string): Promise<unknown> {
  return new Promise((resolve) => {
    child.once('message', resolve)
    child.send(question)
  })
}

function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    const late = setTimeout(() => child.kill('SIGKILL'), 15_000)
    child.removeAllListeners('exit')
    child.once('exit', () => {
      clearTimeout(late)
      running.delete(child)
      resolve()
    })
    child.kill('SIGTERM')
  })
}
