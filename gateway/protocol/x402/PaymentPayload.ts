import * as z from 'zod/mini'
import { decodeJsonObject, MalformedError, toBase64 } from '../Encoding.ts'
import { address, amount, bytes32, complaint, signature, uint256 } from '../Schema.ts'
import { requirements, resourceInfo } from './PaymentRequired.ts'

/** x402 v2: what a client sends (x402-specification-v2 section 5.2), in the `PAYMENT-SIGNATURE` header. */

export const header = 'PAYMENT-SIGNATURE'

const schema = z.object({
  x402Version: z.literal(2),
  resource: z.optional(resourceInfo),
  accepted: requirements,
  payload: z.record(z.string(), z.unknown()),
  extensions: z.optional(z.record(z.string(), z.unknown())),
})
export type PaymentPayload = z.infer<typeof schema>

/** Payload of scheme `exact` on EVM by EIP-3009 (scheme_exact_evm section 1). Amount in base units. */
export const exact = z.object({
  signature,
  authorization: z.object({
    from: address,
    to: address,
    value: amount,
    validAfter: uint256,
    validBefore: uint256,
    nonce: bytes32,
  }),
})
export type Exact = z.infer<typeof exact>

/** Reads the header's value. @throws {MalformedError} */
export function parse(encoded: string): PaymentPayload {
  const parsed = schema.safeParse(decodeJsonObject(encoded))
  if (!parsed.success) throw new MalformedError(`The ${header} header's ${complaint(parsed.error)}.`)
  return parsed.data
}

/** The header's value. */
export function serialize(payment: unknown): string {
  return toBase64(JSON.stringify(payment))
}
