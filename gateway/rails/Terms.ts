import type { Address } from 'viem'
import type { Route } from '../routes/Route.ts'
import type { Token } from '../routes/Token.ts'

/** What one call costs one caller: the input of every offer, and what a credential must match. */
export type Terms = {
  route: Route
  /** Base units. */
  amount: bigint
  token: Token
  /** The signed-in wallet that this price is for; null when anybody may have it. */
  wallet: Address | null
  /** Content digest of the request body (RFC 9530), when there is a bounded body. */
  digest: string | null
}
