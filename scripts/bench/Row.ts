import type { Child } from './Child.ts'
import type { Script } from './load/Script.ts'
import type { Stand } from './Stand.ts'

/** One line of the table: a server, and what is sent to it. */
export type Row = {
  name: string
  /** What it is, for a reader. */
  title: string
  /** Why it cannot be measured here; null when it can. */
  skipped: string | null
  /** Whether its server is one of node's, and so can say where its time goes. */
  hasProbe: boolean
  /** Starts the server in a fresh process, and makes what is sent to it. */
  start(context: Row.Context): Promise<Row.Started>
}

export declare namespace Row {
  type Context = {
    stand: Stand
    /** Of this sample alone. */
    folder: string
    /** Calls that each connection can make in the time, for a server of that many a second: so many vouchers are needed. */
    calls(perSecond: number): number
    /** Put the probe into the server, where it is one of node's. */
    probe: boolean
  }
  type Started = {
    server: Child
    port: number
    script: Script
    loop: boolean
    /** Requests that must be refused, or what is measured does not check what it says: payments that somebody else signed. */
    refused: readonly Buffer[]
    /** Asked after the server has ended: the number of answers must be that in the books. Throws when it is not. */
    check?(answered: number): Promise<void>
  }
}
