import { statusOf } from './load/status-of.ts'

/**
 * Sends payments that somebody else signed: a server that lets one through would be fast for nothing. Resolves with how
 * many were refused. @throws {PaymentsUncheckedError}
 */
export async function tryForged(row: string, port: number, forged: readonly Uint8Array[]): Promise<number> {
  for (const bytes of forged) {
    const status = await statusOf(port, bytes)
    if (status < 400 || status >= 500) throw new PaymentsUncheckedError(row, status)
  }
  return forged.length
}

/** What was measured is not what it is called. */
export class PaymentsUncheckedError extends Error {
  override readonly name = 'PaymentsUncheckedError'
  constructor(row: string, status: number) {
    super(`A forged payment was answered ${status} by "${row}": its payments are not checked.`)
  }
}
