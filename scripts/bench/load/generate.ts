import { connect, type Socket } from 'node:net'
import { Reply } from './Reply.ts'

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

/** Sends a script over one connection each, for a warm-up and then for the measured time. */
export function generate(options: generate.Options): Promise<Seen> {
  const { port, script, loop, warmMs, measureMs, expect = 200 } = options
  const start = performance.now()
  const from = start + warmMs
  const until = from + measureMs
  const latencies: number[] = []
  const seen = { answeredInAll: 0, failed: 0, exhausted: 0, firstFailure: null as string | null }
  let cpu = process.cpuUsage()
  const measuring = setTimeout(() => {
    cpu = process.cpuUsage()
    options.onMeasuring?.()
  }, warmMs)
  let busy: number | null = null
  const endMeasuring = () => {
    if (busy !== null) return
    const { user, system } = process.cpuUsage(cpu)
    busy = (user + system) / 1_000 / measureMs
    options.onMeasured?.()
  }
  const measured = setTimeout(endMeasuring, warmMs + measureMs)

  return new Promise((resolve) => {
    let open = script.length
    const sockets: Socket[] = []
    const ended = () => {
      open -= 1
      if (open > 0) return
      clearTimeout(measuring)
      clearTimeout(measured)
      resolve({
        ...seen,
        answered: latencies.length,
        latencies: Float64Array.from(latencies).sort(),
        busy: busy ?? 0,
      })
    }
    const fail = (what: string) => {
      seen.failed += 1
      seen.firstFailure ??= what
    }
    for (const requests of script) {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true })
      const reply = new Reply()
      sockets.push(socket)
      let next = 0
      let sent = 0
      const send = () => {
        sent = performance.now()
        if (sent >= until) {
          endMeasuring()
          return socket.destroy()
        }
        if (next === requests.length && loop) next = 0
        const bytes = requests[next]
        if (bytes === undefined) {
          seen.exhausted += 1
          return socket.destroy()
        }
        next += 1
        socket.write(bytes)
      }
      socket.on('connect', send)
      socket.on('data', (data) => {
        if (!reply.take(data)) return
        const now = performance.now()
        if (reply.status !== expect) fail(data.toString('latin1', 0, 1_000))
        else {
          seen.answeredInAll += 1
          if (sent >= from && now <= until) latencies.push(now - sent)
        }
        send()
      })
      socket.on('error', (error) => fail(error.message))
      socket.on('close', ended)
    }
    // A server that does not answer any more must not hold the run up.
    setTimeout(
      () => {
        for (const socket of sockets) socket.destroy()
      },
      warmMs + measureMs + 5_000,
    ).unref()
  })
}

export declare namespace generate {
  type Options = {
    port: number
    script: readonly (readonly Buffer[])[]
    /** Begin again at the end of the script; without it a connection that is through ends. */
    loop: boolean
    warmMs: number
    measureMs: number
    /** Status that counts. Default 200. */
    expect?: number
    onMeasuring?(): void
    onMeasured?(): void
  }
}
