import type { Address, Hex } from 'viem'
import * as z from 'zod/mini'
import type { Authorization } from '../protocol/Authorization.ts'
import * as Schema from '../protocol/Schema.ts'

/** What a charge needs to be settled, also after a restart. Amount in base units, times in Unix seconds. */
export type ChargeOrder = {
  kind: 'transferWithAuthorization'
  token: Address
  message: Authorization
  signature: Hex
}

/** Payment key of a charge: what cannot be spent twice. */
export function keyOf(chainId: number, token: Address, from: Address, nonce: Hex): string {
  return `eip3009:${chainId}:${token}:${from}:${nonce}`.toLowerCase()
}

/** As it stands in `Payment.settlement`: JSON with every integer as decimal digits. */
const stored = z.strictObject({
  kind: z.literal('transferWithAuthorization'),
  token: Schema.address,
  from: Schema.address,
  to: Schema.address,
  value: Schema.uint256,
  validAfter: Schema.uint256,
  validBefore: Schema.uint256,
  nonce: Schema.bytes32,
  signature: Schema.signature,
})

export function serialize(order: ChargeOrder): string {
  const { from, to, value, validAfter, validBefore, nonce } = order.message
  const times = { validAfter: String(validAfter), validBefore: String(validBefore) }
  const { kind, token, signature } = order
  return JSON.stringify({ kind, token, from, to, value: String(value), ...times, nonce, signature })
}

/** @throws {ChargeOrderError} not what `serialize` writes. */
export function parse(text: string | null): ChargeOrder {
  const parsed = stored.safeParse(text === null ? null : json(text))
  if (!parsed.success) throw new ChargeOrderError(Schema.complaint(parsed.error))
  const { kind, token, signature, ...message } = parsed.data
  return { kind, token, message, signature }
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** A settlement order that cannot be read. Never carries the order: it has a signature in it. */
export class ChargeOrderError extends Error {
  override readonly name = 'ChargeOrderError'
  constructor(complaint: string) {
    super(`A payment's settlement order cannot be read: ${complaint}.`)
  }
}
