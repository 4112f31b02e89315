import type { Connection } from './Connection.ts'

/** Hands out calls at a steady rate. A call that finds no connection free waits, and its waiting counts. */
export type Pace = {
  /** A connection that may send. */
  free(connection: Connection): void
  /** Connections that wait for a call. */
  waiting(): Connection[]
  stop(): void
}

/** `send` is told since when the call has been due. */
export function createPace(perSecond: number, send: (connection: Connection, since: number) => void): Pace {
  const start = performance.now()
  /** When each call that waits was due; the oldest first. */
  const due: number[] = []
  const idle: Connection[] = []
  let handedOut = 0
  const timer = setInterval(() => {
    const now = performance.now()
    const owed = Math.floor(((now - start) * perSecond) / 1_000)
    for (; handedOut < owed; handedOut += 1) due.push(now)
    while (due.length > 0 && idle.length > 0) next(idle.shift())
  }, 1)
  const next = (connection: Connection | undefined) => {
    const since = due.shift()
    if (connection === undefined || since === undefined) return
    send(connection, since)
  }
  return {
    free(connection) {
      if (due.length > 0) next(connection)
      else idle.push(connection)
    },
    waiting: () => idle.splice(0),
    stop: () => clearInterval(timer),
  }
}
