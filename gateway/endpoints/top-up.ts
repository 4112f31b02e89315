import type { Address } from 'viem'
import type { Config } from '../config/Config.ts'
import type { Ledger } from '../ledger/Ledger.ts'
import * as Amount from '../protocol/Amount.ts'
import type { HandlerCall, Route } from '../routes/Route.ts'
import { balanceOf } from './account.ts'

/**
 * `POST /farthing/balance/top-up?amount=5.00`: a paid call whose earner is the payer's own wallet. It is sold through
 * the same pipeline as everything else, so that it has the same promise. One route a token; the default's has no name.
 */
export function topUpRoutes(config: Config, ledger: Ledger): Route[] {
  return [...config.tokens.values()].map((token, index) => {
    const path = index === 0 ? '/farthing/balance/top-up' : `/farthing/balance/top-up/${token.symbol}`
    const serve = async ({ identity }: HandlerCall) => {
      const wallet = String(identity.get('x-farthing-wallet')) as Address
      const credited = String(identity.get('x-farthing-amount'))
      return answer({ credited, symbol: token.symbol, ...(await balanceOf(wallet, { config, ledger })) })
    }
    return {
      id: `POST ${path}`,
      method: 'POST',
      path,
      target: { kind: 'handler', serve },
      price: { kind: 'query', parameter: 'amount', least: 1n, most: Amount.max },
      token,
      rails: ['charge'],
      // The wallet is credited when the transfer is mined, and the answer says the new balance.
      settle: 'before-call',
      brokenStream: 'free',
      earns: 'payer',
      gate: null,
      description: `Tops the balance of the paying wallet up, in ${token.symbol}.`,
      deadlineMs: 30_000,
    }
  })
}

function answer(body: unknown): Response {
  const text = JSON.stringify(body)
  const headers = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) }
  return new Response(text, { headers })
}
