import { Connection } from './Connection.ts'
import { createPace } from './pace.ts'

/** What was seen while the clock ran. Times in milliseconds. */
export type Seen = {
  /** Answers with the expected status, asked for and given within the measured time. */
  answered: number
  /** The same over the whole run, warm-up included: what must be in the books. */
  answeredInAll: number
  /** Answers with another status, and connections that broke. */
  failed: number
  /** Connections that had nothing left to send: the script was too short. */
  exhausted: number
  firstFailure: string | null
  latencies: Float64Array
  /** Processor time of the generator over measured time, 0 to 1: at 1 it was the generator that was measured. */
  busy: number
}

/**
 * Sends a script over one connection each, for a warm-up and then for the measured time: each call as soon as the one
 * before it is answered, or at a steady rate, whatever the server does.
 */
export function generate(options: generate.Options): Promise<Seen> {
  const { port, script, loop, warmMs, measureMs, perSecond, expect = 200 } = options
  const from = performance.now() + warmMs
  const until = from + measureMs
  const latencies: number[] = []
  const seen = { answeredInAll: 0, failed: 0, exhausted: 0, firstFailure: null as string | null }
  let cpu = process.cpuUsage()
  let busy: number | null = null
  const timers = [
    setTimeout(() => {
      cpu = process.cpuUsage()
      options.onMeasuring?.()
    }, warmMs),
    setTimeout(() => endMeasuring(), warmMs + measureMs),
    // A server that does not answer any more must not hold the run up.
    setTimeout(
      () => {
        for (const connection of connections) connection.close()
      },
      warmMs + measureMs + 5_000,
    ),
  ]
  const endMeasuring = () => {
    if (busy !== null) return
    const { user, system } = process.cpuUsage(cpu)
    busy = (user + system) / 1_000 / measureMs
    options.onMeasured?.()
  }
  const fail = (what: string) => {
    seen.failed += 1
    seen.firstFailure ??= what
  }
  const send = (connection: Connection, since: number) => {
    if (connection.send(since)) return
    seen.exhausted += 1
    connection.close()
  }
  const pace = perSecond === undefined ? null : createPace(perSecond, send)
  const onFree = (connection: Connection) => {
    const now = performance.now()
    if (now >= until) {
      endMeasuring()
      connection.close()
    } else if (pace === null) send(connection, now)
    else pace.free(connection)
  }
  let connections: Connection[] = []

  return new Promise((resolve) => {
    let open = script.length
    const onClosed = () => {
      open -= 1
      if (open > 0) return
      for (const timer of timers) clearTimeout(timer)
      pace?.stop()
      const sorted = Float64Array.from(latencies).sort()
      resolve({ ...seen, answered: latencies.length, latencies: sorted, busy: busy ?? 0 })
    }
    const onReply = ({ since }: Connection, status: number, data: Buffer) => {
      if (status !== expect) return fail(data.toString('latin1', 0, 1_000))
      const now = performance.now()
      seen.answeredInAll += 1
      if (since >= from && now <= until) latencies.push(now - since)
    }
    const events = { onFree, onReply, onClosed, onBroken: (error: Error) => fail(error.message) }
    connections = script.map((requests) => new Connection(port, requests, loop, events))
    // Connections that wait for their turn are told that there is none.
    if (pace === null) return
    const release = () => {
      for (const connection of pace.waiting()) onFree(connection)
    }
    timers.push(setTimeout(release, warmMs + measureMs + 1))
  })
}

export declare namespace generate {
  type Options = {
    port: number
    script: readonly (readonly Uint8Array[])[]
    /** Begin again at the end of the script; without it a connection that is through ends. */
    loop: boolean
    warmMs: number
    measureMs: number
    /** Calls a second; as many as are answered when left out. */
    perSecond?: number
    /** Status that counts. Default 200. */
    expect?: number
    onMeasuring?(): void
    onMeasured?(): void
  }
}
