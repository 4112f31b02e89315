import { randomBytes } from 'node:crypto'
import type { Hex } from 'viem'
import type { Chain } from '../chain/Chain.ts'
import type { Config } from '../config/Config.ts'
import type { Deps } from '../deps.ts'
import * as Challenge from '../protocol/mpp/Challenge.ts'
import type { PaymentRequired } from '../protocol/x402/PaymentRequired.ts'
import * as ChannelOffer from '../rails/channel/offer.ts'
import * as ChargeOffer from '../rails/charge/offer.ts'
import type { Payee } from '../rails/Payee.ts'
import type { Terms } from '../rails/Terms.ts'

/** Every way to pay for one call, in the words of both dialects. */

/** An MPP challenge for each rail that speaks MPP. */
export function challenges(terms: Terms, deps: Deps, channelId: Hex | null): Challenge.Challenge[] {
  const { config, keys, clock } = deps
  const expires = new Date(clock.now() + config.challengeSeconds * 1000).toISOString()
  return terms.route.rails.flatMap((rail) => {
    if (rail === 'balance') return []
    const opaque = {
      // Two calls made in the same millisecond are two payments.
      nonce: randomBytes(12).toString('base64url'),
      route: terms.route.id,
      ...(terms.wallet === null ? {} : { wallet: terms.wallet }),
      ...(rail === 'channel' && channelId !== null ? { channel: channelId } : {}),
    }
    const parameters = {
      realm: realmOf(config),
      method: 'evm',
      intent: rail === 'charge' ? 'charge' : 'session',
      request: mppRequestOf(rail, terms, deps, opaque.channel ?? null),
      expires,
      // A channel's challenge serves many calls, so it is bound to the route and not to one body.
      digest: rail === 'charge' ? (terms.digest ?? undefined) : undefined,
      description: terms.route.description ?? undefined,
      opaque,
    }
    return [Challenge.create(parameters, keys.challenge)]
  })
}

/** The request of a rail's challenge. */
function mppRequestOf(
  rail: 'charge' | 'channel',
  terms: Terms,
  { config, chain }: Pick<Deps, 'config' | 'chain'>,
  channelId: string | null,
): Record<string, unknown> {
  const payee = payeeOf(config, chain)
  return rail === 'charge'
    ? ChargeOffer.mppRequest(terms, payee)
    : ChannelOffer.mppRequest(terms, payee, channelId as Hex | null)
}

/** Most requests of one route that are kept as text: one for each of its rails, and one for each channel that was named. */
const mostTexts = 1_000
const texts = new WeakMap<Terms['route'], Map<string, string>>()

/** The same as it stands in a challenge. A credential is compared with it, so it is made once and not for every call. */
export function mppRequestText(
  rail: 'charge' | 'channel',
  terms: Terms,
  deps: Pick<Deps, 'config' | 'chain'>,
  channelId: string | null,
): string {
  const known = texts.get(terms.route) ?? new Map<string, string>()
  const name = `${rail} ${terms.amount} ${channelId ?? ''}`
  const found = known.get(name)
  if (found !== undefined) return found
  const text = Challenge.toRequest(mppRequestOf(rail, terms, deps, channelId))
  if (known.size >= mostTexts) known.clear()
  texts.set(terms.route, known.set(name, text))
  return text
}

/** x402's half, when the route takes single transfers. */
export function paymentRequired(
  terms: Terms,
  path: string,
  error: string,
  { config, chain }: Deps,
): PaymentRequired | null {
  if (!terms.route.rails.includes('charge')) return null
  return {
    x402Version: 2,
    error,
    resource: {
      url: new URL(path, config.publicUrl).href,
      ...(terms.route.description === null ? {} : { description: terms.route.description }),
    },
    accepts: [ChargeOffer.x402Requirements(terms, payeeOf(config, chain))],
  }
}

/** Protection space of our challenges: the host callers know us by. */
export const realmOf = (config: Config): string => config.publicUrl.host

/** Who is paid. */
export const payeeOf = (config: Config, chain: Chain): Payee => ({
  address: chain.payee,
  escrow: chain.escrow,
  timeoutSeconds: config.challengeSeconds,
})
