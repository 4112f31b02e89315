import * as z from 'zod/mini'
import { hash } from '../../gateway/protocol/mpp/Challenge.ts'
import { address, amount, bytes32 } from '../../gateway/protocol/Schema.ts'
import type { Context } from '../Context.ts'
import { unixSeconds } from '../clock.ts'
import type { ChargeOffer } from '../offers/Offer.ts'
import { random32 } from '../random32.ts'

/**
 * A transfer that was decided on and not answered yet. It is in the store before it is signed, without its signature: a
 * call that is repeated under the same `Idempotency-Key`, even by another process, signs the same message again and
 * never a second one.
 */
export const schema = z.object({
  url: z.string(),
  method: z.string(),
  amount,
  chainId: z.int(),
  token: address,
  payee: address,
  domain: z.object({ name: z.string(), version: z.string() }),
  /** JSON of the offer's source, which the credential echoes. */
  source: z.string(),
  nonce: bytes32,
  /** Unix seconds. */
  validBefore: amount,
})
export type Charge = z.infer<typeof schema>

/** Longest time, in seconds, that a signed transfer stays usable, whatever the server asks for. */
const maxLifetime = 900n

/** Seconds after its end that an unanswered transfer is remembered, so that its answer can still be fetched. */
const keptAfter = 86_400n

/** Decides on a transfer: its nonce and its last second. */
export function plan(
  context: Context,
  call: { url: URL; method: string },
  offer: ChargeOffer,
  domain: { name: string; version: string },
): Charge {
  return {
    url: call.url.href,
    method: call.method,
    amount: offer.amount,
    chainId: offer.chainId,
    token: offer.token,
    payee: offer.payee,
    domain: { name: domain.name, version: domain.version },
    source: JSON.stringify(offer.source),
    nonce: offer.source.dialect === 'mpp' ? hash(offer.source.challenge) : random32(),
    validBefore: deadline(context, offer),
  }
}

/** The offer that the transfer answers. */
export function offerOf(charge: Charge): ChargeOffer {
  const { amount, chainId, token, payee, domain } = charge
  const source = JSON.parse(charge.source) as ChargeOffer['source']
  return { rail: 'charge', amount, chainId, token, payee, domain, source }
}

/** True when nobody will ask for its answer any more. */
export function isForgotten(charge: Charge, now: bigint): boolean {
  return charge.validBefore + keptAfter < now
}

function deadline(context: Context, { source }: ChargeOffer): bigint {
  const now = unixSeconds(context.clock)
  if (source.dialect === 'x402') {
    const asked = now + BigInt(source.requirements.maxTimeoutSeconds)
    return asked < now + maxLifetime ? asked : now + maxLifetime
  }
  const { expires } = source.challenge
  const asked = expires === undefined ? now + 300n : BigInt(Math.floor(Date.parse(expires) / 1000))
  return asked < now + maxLifetime ? asked : now + maxLifetime
}
