import type { Hex } from 'viem'
import { max } from '../Amount.ts'
import { maxSignatureLength, spelling } from '../Schema.ts'
import type { Voucher } from './Session.ts'

/**
 * What `Session.voucher` makes of a payload that is a voucher and nothing more, as every call of a channel brings one, at a small
 * part of its cost; null for every other one, which the schema reads, or says what is wrong with.
 */
export function readVoucher(payload: Readonly<Record<string, unknown>>): Voucher | null {
  const { action, channelId, cumulativeAmount, signature, deposit } = payload
  if (action !== 'voucher' || deposit !== undefined) return null
  if (!isSpelt(channelId, spelling.bytes32) || !isSpelt(cumulativeAmount, spelling.integer)) return null
  if (!isSpelt(signature, spelling.signature) || signature.length > maxSignatureLength) return null
  const amount = BigInt(cumulativeAmount)
  if (amount > max) return null
  const [id, signed] = [channelId.toLowerCase() as Hex, signature.toLowerCase() as Hex]
  return { action, channelId: id, cumulativeAmount: amount, signature: signed }
}

const isSpelt = (value: unknown, pattern: RegExp): value is string =>
  typeof value === 'string' && pattern.test(value)
