import * as z from 'zod/mini'
import { decodeJsonObject, MalformedError, toBase64 } from '../Encoding.ts'
import { complaint } from '../Schema.ts'

/** x402 v2: what a server asks (x402-specification-v2 section 5.1), in the `PAYMENT-REQUIRED` header. */

export const header = 'PAYMENT-REQUIRED'

/** One way to pay, kept as it stands on the wire: a payload echoes it whole, and equality is by value. */
export const requirements = z.object({
  scheme: z.string().check(z.maxLength(64)),
  network: z.string().check(z.maxLength(64)),
  amount: z.string().check(z.maxLength(80)),
  asset: z.string().check(z.maxLength(64)),
  payTo: z.string().check(z.maxLength(64)),
  maxTimeoutSeconds: z.number(),
  extra: z.optional(z.record(z.string(), z.unknown())),
})
export type Requirements = z.infer<typeof requirements>

const resource = z.object({
  url: z.string().check(z.maxLength(8_192)),
  description: z.optional(z.string()),
  mimeType: z.optional(z.string()),
})
export const resourceInfo = resource

const schema = z.object({
  x402Version: z.literal(2),
  error: z.optional(z.string()),
  resource,
  accepts: z.array(requirements).check(z.maxLength(64)),
  extensions: z.optional(z.record(z.string(), z.unknown())),
})
export type PaymentRequired = z.infer<typeof schema>

/** The header's value. */
export function serialize(required: PaymentRequired): string {
  return toBase64(JSON.stringify(required))
}

/** Reads the header's value. @throws {MalformedError} */
export function parse(encoded: string): PaymentRequired {
  const parsed = schema.safeParse(decodeJsonObject(encoded))
  if (!parsed.success) throw new MalformedError(`The ${header} header's ${complaint(parsed.error)}.`)
  return parsed.data
}
