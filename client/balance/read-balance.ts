import * as z from 'zod/mini'
import { address, amount } from '../../gateway/protocol/Schema.ts'
import type { Context } from '../Context.ts'
import { getSignedIn, read } from './SignIn.ts'

const schema = z.object({
  balances: z.array(
    z.object({
      symbol: z.string(),
      asset: z.optional(z.string()),
      token: z.optional(address),
      decimals: z.int().check(z.gte(0), z.lte(36)),
      posted: amount,
      available: amount,
    }),
  ),
})

/** One line of what a gateway holds for a wallet, as the gateway says it. Base units. */
export type Balance = z.infer<typeof schema>['balances'][number]

/** What the gateway holds for this wallet. Signs in when needed. */
export async function readBalance(context: Context, origin: string): Promise<Balance[]> {
  const path = '/farthing/balance'
  return read(schema, await getSignedIn(context, origin, path), path).balances
}
