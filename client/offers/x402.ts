import * as z from 'zod/mini'
import { fromWire } from '../../gateway/protocol/Amount.ts'
import { address } from '../../gateway/protocol/Schema.ts'
import * as PaymentRequired from '../../gateway/protocol/x402/PaymentRequired.ts'
import type { Domain, Offer, Offers } from './Offer.ts'

/** Reads every requirement of a `PAYMENT-REQUIRED` header (x402-specification-v2 section 5.1). */
export function readAll(header: string): Offers {
  let required: PaymentRequired.PaymentRequired
  try {
    required = PaymentRequired.parse(header)
  } catch {
    return { offers: [], rejected: [reject('cannot be decoded')] }
  }
  const read: Offers = { offers: [], rejected: [] }
  for (const requirements of required.accepts) {
    const offer = readRequirements(required, requirements)
    if (typeof offer === 'string') read.rejected.push(reject(offer))
    else read.offers.push(offer)
  }
  return read
}

const reject = (reason: string) => ({ rail: 'charge', reason: `an x402 offer ${reason}`, rule: 'offer' })

const text = z.string().check(z.minLength(1), z.maxLength(64))

function readRequirements(
  required: PaymentRequired.PaymentRequired,
  requirements: PaymentRequired.Requirements,
): Offer | string {
  if (requirements.scheme !== 'exact') return 'is of a scheme this client does not speak'
  const network = /^eip155:([1-9]\d{0,14})$/.exec(requirements.network)?.[1]
  if (network === undefined) return 'is on a network this client does not speak'
  const method = requirements.extra?.assetTransferMethod
  if (method !== undefined && method !== 'eip3009') return 'takes no EIP-3009 authorization'
  if (!Number.isInteger(requirements.maxTimeoutSeconds) || requirements.maxTimeoutSeconds < 1)
    return 'leaves no time to pay'
  const token = address.safeParse(requirements.asset)
  const payee = address.safeParse(requirements.payTo)
  if (!token.success || !payee.success) return 'names no token or payee'
  let amount: bigint
  try {
    amount = fromWire(requirements.amount)
  } catch {
    return 'has no readable amount'
  }
  return {
    rail: 'charge',
    amount,
    chainId: Number(network),
    token: token.data,
    payee: payee.data,
    domain: domain(requirements),
    source: { dialect: 'x402', required, requirements },
  }
}

function domain(requirements: PaymentRequired.Requirements): Domain | undefined {
  const name = text.safeParse(requirements.extra?.name)
  const version = text.safeParse(requirements.extra?.version)
  return name.success && version.success ? { name: name.data, version: version.data } : undefined
}
