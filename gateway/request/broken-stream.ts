import type { BrokenStream } from '../routes/Route.ts'
import * as Fields from '../upstream/Fields.ts'

/**
 * What of a charge is kept for a stream that the upstream broke off after `bytes` had left. `length` is what the answer
 * said its length was; null when it did not say. Rounded in the payer's favour. Pure.
 */
export function keptOf(rule: BrokenStream, charged: bigint, bytes: number, length: number | null): bigint {
  if (bytes <= 0 || rule === 'free') return 0n
  if (rule === 'full') return charged
  if (length === null || length <= 0) return 0n
  return bytes >= length ? charged : (charged * BigInt(bytes)) / BigInt(length)
}

/** The length that an answer says it has. */
export function lengthOf(headers: readonly string[]): number | null {
  const text = Fields.get(headers, 'content-length')
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null
}
