import * as z from 'zod/mini'
import { decodeJsonObject, MalformedError, toBase64 } from '../Encoding.ts'
import { complaint } from '../Schema.ts'

/** x402 v2: what became of the payment (x402-specification-v2 section 5.3), in the `PAYMENT-RESPONSE` header. */

export const header = 'PAYMENT-RESPONSE'

const schema = z.object({
  success: z.boolean(),
  errorReason: z.optional(z.string()),
  payer: z.optional(z.string()),
  /** Transaction hash; empty when settlement failed. */
  transaction: z.string(),
  network: z.string(),
  /** Base units. */
  amount: z.optional(z.string()),
  extensions: z.optional(z.record(z.string(), z.unknown())),
})
export type SettlementResponse = z.infer<typeof schema>

/** The header's value. */
export function serialize(response: SettlementResponse): string {
  return toBase64(JSON.stringify(response))
}

/** Reads the header's value. @throws {MalformedError} */
export function parse(encoded: string): SettlementResponse {
  const parsed = schema.safeParse(decodeJsonObject(encoded))
  if (!parsed.success) throw new MalformedError(`The ${header} header's ${complaint(parsed.error)}.`)
  return parsed.data
}
