import * as z from 'zod/mini'
import { decodeJsonObject, jcs, MalformedError, toBase64Url } from './Encoding.ts'
import { complaint } from './Schema.ts'

/** The `Payment-Receipt` header (draft-httpauth-payment-00, "Payment-Receipt Header"): sent with success only. */

export const header = 'Payment-Receipt'

const schema = z.looseObject({
  status: z.literal('success'),
  method: z.string(),
  intent: z.optional(z.string()),
  /** RFC 3339. */
  timestamp: z.string(),
  /** Transaction hash of a charge; channel id of a session; payment id of a balance. */
  reference: z.string(),
  challengeId: z.optional(z.string()),
  chainId: z.optional(z.number()),
  /** Farthing's own id of the payment. */
  paymentId: z.optional(z.string()),
  /** Base units, decimal digits. */
  amount: z.optional(z.string()),
  channelId: z.optional(z.string()),
  acceptedCumulative: z.optional(z.string()),
  spent: z.optional(z.string()),
  txHash: z.optional(z.string()),
})
export type Receipt = z.infer<typeof schema>

/** The header's value. */
export function serialize(receipt: Receipt): string {
  return toBase64Url(jcs(receipt))
}

/** Reads the header's value. @throws {MalformedError} */
export function parse(encoded: string): Receipt {
  const parsed = schema.safeParse(decodeJsonObject(encoded))
  if (!parsed.success) throw new MalformedError(`The receipt's ${complaint(parsed.error)}.`)
  return parsed.data
}
