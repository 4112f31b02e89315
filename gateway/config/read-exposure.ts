import type { ExposureLimits } from '../policy/exposure.ts'
import * as Amount from '../protocol/Amount.ts'
import type { Route } from '../routes/Route.ts'
import type { Token } from '../routes/Token.ts'
import type { RawConfig } from './schema.ts'

/** Reads `exposure` for one token. @throws {Error} a limit in all that is below that of one channel. */
export function readExposure(raw: RawConfig['exposure'], token: Token): ExposureLimits {
  const [perChannel, contractSigner, total] = [raw.perChannel, raw.contractSigner, raw.total].map((amount) =>
    Amount.parse(amount, token.decimals),
  ) as [bigint, bigint, bigint]
  if (total < perChannel)
    throw new Error(
      `total ${raw.total} is below perChannel ${raw.perChannel}. Fix: raise total, or lower perChannel.`,
    )
  return { perChannel, contractSigner, total }
}

/** A call that costs more than a channel may owe could never be made. @throws {Error} */
export function checkPrices(route: Route, limits: ExposureLimits | undefined): void {
  if (limits === undefined || !route.rails.includes('channel') || route.price.kind !== 'fixed') return
  const prices = [route.price.amount, route.gate?.effect.kind === 'price' ? route.gate.effect.amount : 0n]
  const dearest = prices.reduce((most, price) => (price > most ? price : most))
  if (dearest <= limits.perChannel) return
  const format = (amount: bigint) => `${Amount.format(amount, route.token.decimals)} ${route.token.symbol}`
  throw new Error(
    `price ${format(dearest)} is above exposure.perChannel, ${format(limits.perChannel)}: no channel could pay it. ` +
      'Fix: raise exposure.perChannel, or leave "channel" out of its rails.',
  )
}
