import { Hono } from 'hono'
import type { Hex } from 'viem'
import * as ChargeOrder from '../chain/ChargeOrder.ts'
import { unixSeconds } from '../clock.ts'
import type { Deps } from '../deps.ts'
import { GatewayError } from '../errors.ts'
import type { Payment } from '../ledger/Payment.ts'
import { isPaymentId } from '../ledger/payment-id.ts'
import * as Amount from '../protocol/Amount.ts'
import * as PaymentStatus from '../protocol/PaymentStatus.ts'
import { tokenOf } from './session-of.ts'

/**
 * `GET /farthing/payments/:id`: what became of a payment, signed. A payment id is 122 random bits, so whoever knows it may
 * ask. An EIP-3009 nonce or a transaction hash is public on chain: by these only the paying wallet may ask, signed in.
 * Everybody else gets the same 404, whether there is such a payment or not.
 */
export function paymentEndpoints(deps: Deps): Hono {
  const app = new Hono()
  app.get('/payments/:id', async (c) => {
    const payment = await find(c.req.param('id'), c.req.raw, deps)
    if (payment === null) throw new NoSuchPaymentError()
    return c.json(await describe(payment, deps))
  })
  return app
}

/** What became of a payment, in one word. Pure. */
export function statusOf({ delivery, money, reversed = false }: statusOf.Facts): PaymentStatus.Status {
  if (reversed || money === 'reversed') return 'reversed'
  if (delivery === 'delivered') return 'delivered'
  if (money === 'credited' || money === 'refunded') return 'credited'
  if (delivery === 'failed' || delivery === 'void') return 'failed'
  return money === 'settled' || money === 'captured' ? 'settled' : 'pending'
}

export declare namespace statusOf {
  type Facts = Pick<Payment, 'delivery' | 'money'> & { reversed?: boolean }
}

async function find(id: string, request: Request, deps: Deps): Promise<Payment | null> {
  const { ledger, sessions, config, chain } = deps
  if (isPaymentId(id)) return ledger.payment({ id })
  if (!/^0x[0-9a-fA-F]{64}$/.test(id)) return null
  const token = tokenOf(request)
  const session = token === null ? null : await sessions.find(token)
  if (session === null) return null
  const { wallet } = session
  for (const { address } of config.tokens.values()) {
    const payment = await ledger.payment({ key: ChargeOrder.keyOf(chain.id, address, wallet, id as Hex) })
    if (payment?.wallet === wallet) return payment
  }
  return ledger.payment({ transaction: id as Hex, wallet })
}

/** The status as JSON, and the same as a compact JWS by the receipt key. Amounts in base units as decimal digits. */
async function describe(payment: Payment, { config, clock, keys, ledger }: Deps) {
  const { id, asset, delivered } = payment
  const token = [...config.tokens.values()].find(({ address }) => asset.endsWith(`:${address}`))
  const credited = await ledger.credited(id)
  const claims: PaymentStatus.Claims = {
    jti: id,
    iss: config.publicUrl.origin,
    sub: payment.wallet,
    iat: unixSeconds(clock),
    status: statusOf(payment),
    delivery: payment.delivery,
    money: payment.money,
    route: payment.route,
    rail: payment.rail,
    asset,
    amount: payment.amount,
    charged: payment.charged,
    credited,
    ...(payment.transaction === null ? {} : { transaction: payment.transaction }),
    ...(payment.channelId === null ? {} : { channelId: payment.channelId }),
    ...(delivered === null ? {} : delivered),
    ...(payment.reason === null ? {} : { reason: payment.reason }),
    createdAt: payment.createdAt,
    updatedAt: payment.updatedAt,
  }
  const input = PaymentStatus.signingInput(claims)
  const { jti, iss, sub, iat, ...rest } = claims
  return {
    id: jti,
    wallet: sub,
    ...rest,
    amount: claims.amount.toString(),
    charged: claims.charged.toString(),
    credited: credited.toString(),
    ...(credited > 0n && token !== undefined
      ? { credit: { amount: Amount.format(credited, token.decimals), symbol: token.symbol } }
      : {}),
    jws: `${input}.${keys.receipt.sign(input)}`,
  }
}

/** The same for a payment that does not exist and for one that is somebody else's. */
export class NoSuchPaymentError extends GatewayError {
  constructor() {
    super({
      status: 404,
      code: 'no-such-payment',
      message:
        'There is no such payment here, or it is not yours. Ask by its id; or, signed in with the wallet that paid, by its nonce or transaction hash.',
    })
  }
}
