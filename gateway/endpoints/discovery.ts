import { Hono } from 'hono'
import type { Deps } from '../deps.ts'
import { InstanceLostError } from '../ledger/errors.ts'
import * as Amount from '../protocol/Amount.ts'

const version = '0.1.0'

/** `GET /farthing`: what is sold, for what, to whom it is paid, and by which key receipts are signed. */
export function discoveryEndpoints(deps: Deps): Hono {
  const { config, chain, keys, routes } = deps
  const document = {
    name: 'farthing',
    version,
    publicUrl: config.publicUrl.origin,
    chainId: chain.id,
    escrow: chain.escrow,
    payee: chain.payee,
    tokens: [...config.tokens.values()].map(({ symbol, address, decimals, name, version: tokenVersion }) => ({
      symbol,
      address,
      decimals,
      name,
      version: tokenVersion,
    })),
    receiptKey: keys.receipt.publicKey,
    previousReceiptKeys: keys.receipt.previous,
    receiptKeyRotations: keys.receipt.rotations,
    routes: routes.routes.map((route) => ({
      method: route.method,
      path: route.path,
      price: route.price.kind === 'fixed' ? Amount.format(route.price.amount, route.token.decimals) : null,
      symbol: route.token.symbol,
      rails: route.rails,
      settle: route.settle,
      brokenStream: route.brokenStream,
      ...(route.description === null ? {} : { description: route.description }),
    })),
    withdrawals: config.withdrawals.enabled
      ? [...config.tokens.values()].map(({ address, symbol, decimals }) => {
          const limits = config.withdrawals.limits.get(address)
          const text = (units: bigint | undefined) => Amount.format(units ?? 0n, decimals)
          return { symbol, minimum: text(limits?.minimum), dailyPerWallet: text(limits?.dailyPerWallet) }
        })
      : null,
    endpoints: {
      signIn: '/farthing/sign-in',
      balance: '/farthing/balance',
      topUp: '/farthing/balance/top-up',
      channels: '/farthing/channels',
      payments: '/farthing/payments/:id',
      withdrawals: '/farthing/withdrawals',
      health: '/farthing/health',
    },
  }
  const app = new Hono()
  app.get('/', (c) => c.json(document))
  app.get('/health', async (c) => {
    // A gateway that cannot read its books, or must not write them any more, must not be sent calls.
    await deps.ledger.cursor(chain.id)
    if (deps.membership.isLost()) throw new InstanceLostError(deps.membership.id)
    const { drift, alarms } = deps.audits.state()
    return c.json({
      status: 'ok',
      ...(config.audit.everySeconds === 0 ? {} : { drift, driftAlarms: alarms }),
    })
  })
  return app
}
