import { hash } from 'node:crypto'

/** Digests of what a past payment may be asked for by: of one length, however long a caller made its key. */
export const nameOfId = (id: string) => digest(['id', id])
/** With its repeat it is the payment's key. */
export const nameOfFamily = (family: string) => digest(['family', family])
/** Of a voucher's payments for one call, the latest. */
export const nameOfCall = (family: string, fingerprint: string) => digest(['call', family, fingerprint])

function digest(parts: readonly string[]): Uint8Array {
  return hash('sha256', JSON.stringify(parts), 'buffer').subarray(0, 16)
}
