import { GatewayError } from '../errors.ts'
import * as Amount from '../protocol/Amount.ts'
import type { Route } from '../routes/Route.ts'

/**
 * What one call costs at most, in base units of the route's token. A gate's price wins over the route's.
 * @throws {PriceUnknownError} the caller must name the amount and did not, or named one out of bounds.
 */
export function priceOf(route: Route, query: string, gatePrice: bigint | null): bigint {
  if (gatePrice !== null) return gatePrice
  const { price, token } = route
  if (price.kind === 'fixed') return price.amount
  const named = new URLSearchParams(query).getAll(price.parameter)
  const [text] = named
  if (text === undefined || named.length > 1)
    throw new PriceUnknownError(`Name the amount once, as ?${price.parameter}=5.00.`)
  const amount = read(text, token.decimals)
  if (amount < price.least || amount > price.most) {
    const bounds = [price.least, price.most].map((units) => Amount.format(units, token.decimals))
    throw new PriceUnknownError(
      `Amount ${text} is not between ${bounds[0]} and ${bounds[1]} ${token.symbol}.`,
    )
  }
  return amount
}

function read(text: string, decimals: number): bigint {
  try {
    return Amount.parse(text, decimals)
  } catch (error) {
    if (error instanceof Amount.InvalidAmountError) throw new PriceUnknownError(error.message)
    throw error
  }
}

/** The caller names the amount of this call, and it cannot be used. */
export class PriceUnknownError extends GatewayError {
  constructor(message: string) {
    super({ status: 400, code: 'amount-unusable', message })
  }
}
