import { hash } from 'node:crypto'
import * as ChargeOrder from '../chain/ChargeOrder.ts'
import type { Deps } from '../deps.ts'
import * as Account from '../ledger/Account.ts'
import type { Channel } from '../ledger/Channel.ts'
import type { Ledger } from '../ledger/Ledger.ts'
import type { Payment } from '../ledger/Payment.ts'
import { onceKey, paymentId } from '../ledger/payment-id.ts'
import { WalletInDebtError } from '../policy/debt.ts'
import { SettlingFirstError } from '../policy/exposure.ts'
import * as Amount from '../protocol/Amount.ts'
import { channelDetails, voucherRefusal } from '../rails/channel/verify-voucher.ts'
import { PaymentRefusedError, SessionRefusedError } from '../rails/payment-error.ts'
import * as Token from '../routes/Token.ts'
import { takeUp } from './take-up.ts'
import type { Verified } from './verify.ts'

/** A request whose money is reserved. Durable. */
export type Claimed = Verified & { payment: Payment; channel: Channel | null }

/** The same payment for the same call, again. */
export type Repeated = { repeated: Payment; channel: Channel | null }

/**
 * Claims the payment key and reserves the amount in one ledger transaction. Nothing that costs or cannot be undone has
 * happened before it returns `fresh`.
 * @throws {PaymentRefusedError | SessionRefusedError} the key bought another call, or what is left is not enough.
 */
export async function claim(verified: Verified, deps: Deps): Promise<Claimed | Repeated> {
  const { terms, paying } = verified
  const now = deps.clock.now()
  const id = paymentId(now)
  const request: Ledger.ClaimRequest = {
    id,
    ...(await keyAndSource(verified, id, deps)),
    fingerprint: fingerprint(verified),
    dialect: verified.dialect,
    wallet: paying.wallet,
    route: terms.route.id,
    asset: Token.asset(terms.token),
    amount: terms.amount,
    earns: terms.route.earns === 'payer' ? Account.wallet(paying.wallet) : Account.revenue(terms.route.id),
    ...budgetOf(verified, deps),
    now,
  }
  if (verified.late !== null) return repeatOnly(request, verified.late, deps)
  const takenUp = await takeUp(request, verified, deps)
  if (takenUp !== null) return takenUp
  const result = await deps.ledger.claim(request)
  switch (result.outcome) {
    case 'fresh':
      return { ...verified, payment: result.payment, channel: result.channel }
    case 'replayed':
      return { repeated: result.payment, channel: result.channel }
    case 'conflict':
      throw new PaymentRefusedError(
        'invalid-challenge',
        'This payment was used for another call. Pay for this one.',
      )
    case 'insufficient':
      throw insufficient(result, verified)
    case 'in-debt':
      throw new WalletInDebtError(paying.wallet, owedOf(result.owed, deps), deps.config.publicUrl)
    case 'exposed':
      throw exposed(result, verified, deps)
    default:
      throw voucherRefusal(result)
  }
}

/** What is owed in each token, as text and in base units. */
function owedOf(
  debts: Extract<Ledger.ClaimResult, { outcome: 'in-debt' }>['owed'],
  { config }: Deps,
): WalletInDebtError.Owed[] {
  return debts.map(({ asset, owed }) => {
    const token = [...config.tokens.values()].find((known) => Token.asset(known) === asset)
    return {
      asset,
      symbol: token?.symbol ?? null,
      owed: owed.toString(),
      text:
        token === undefined
          ? `${owed} base units of ${asset}`
          : `${Amount.format(owed, token.decimals)} ${token.symbol}`,
    }
  })
}

/** It is our limit and not the payer's: what is owed is settled first. Only a call above it can never be made so. */
function exposed(
  { scope, unsettled, cap, channel }: Extract<Ledger.ClaimResult, { outcome: 'exposed' }>,
  { terms }: Verified,
  { exposure }: Deps,
): PaymentRefusedError | SettlingFirstError {
  const { symbol, decimals } = terms.token
  if (terms.amount > cap)
    return new PaymentRefusedError(
      'verification-failed',
      `The call costs more than ${Amount.format(cap, decimals)} ${symbol}, the most that may be owed on this channel. Pay by a single transfer.`,
      { reason: 'above-exposure' },
    )
  exposure.settleFirst(scope === 'channel' ? channel.id : 'all')
  const details = { channelId: channel.id, unsettled: unsettled.toString(), cap: cap.toString() }
  return new SettlingFirstError(scope, scope === 'channel' ? details : { channelId: channel.id })
}

/** What may be at risk on a route that releases before it settles. */
function budgetOf(
  { route, paying, terms }: Verified,
  { config, clock }: Deps,
): Pick<Ledger.ClaimRequest, 'budget'> {
  const budget = config.losses.budgets.get(terms.token.address)
  if (route.settle !== 'after' || paying.rail !== 'charge' || budget === undefined) return {}
  return { budget: { ...budget, since: clock.now() - config.losses.windowSeconds * 1_000 } }
}

/**
 * A credential whose time is over still says what became of its payment. A fresh 402 would make an honest client, whose
 * outcome was unknown until now, pay twice.
 */
async function repeatOnly(
  { key, fingerprint, wallet }: Ledger.ClaimRequest,
  late: PaymentRefusedError,
  { ledger }: Deps,
): Promise<Repeated> {
  const payment = await ledger.payment({ key })
  const isSame = payment?.fingerprint === fingerprint && payment.wallet === wallet.toLowerCase()
  if (payment === null || !isSame || payment.delivery === 'void') throw late
  const channel = payment.channelId === null ? null : await ledger.channel(payment.channelId)
  return { repeated: payment, channel }
}

/** The key is what cannot be spent twice (design section 2). */
async function keyAndSource(
  verified: Verified,
  id: string,
  deps: Deps,
): Promise<Pick<Ledger.ClaimRequest, 'key' | 'from'>> {
  const { paying, idempotencyKey, terms } = verified
  switch (paying.rail) {
    case 'charge': {
      const { key, authorization, signature } = paying
      const settlement = ChargeOrder.serialize({
        kind: 'transferWithAuthorization',
        token: terms.token.address,
        message: authorization,
        signature,
      })
      return { key, from: { rail: 'charge', settlement } }
    }
    case 'channel': {
      const { channelId, cumulative, signature } = paying
      const key =
        idempotencyKey === null
          ? `voucher:${channelId}:${cumulative}`
          : `channel:${channelId}:call:${idempotencyKey}`
      const caps = await deps.exposure.capsOf({ signer: paying.signer, token: terms.token.address })
      return {
        key,
        from: {
          rail: 'channel',
          channelId,
          cumulative,
          signature,
          minDelta: 0n,
          reusable: idempotencyKey === null,
          ...(caps === null ? {} : { caps }),
        },
      }
    }
    case 'balance': {
      // Without a name of the caller's it is a call of its own, named by its payment.
      const key = idempotencyKey === null ? onceKey(id) : `balance:${paying.wallet}:call:${idempotencyKey}`
      return { key, from: { rail: 'balance' } }
    }
  }
}

/** What the payment is bound to: the call as it will be forwarded, and its price. */
function fingerprint({ method, path, query, body, terms }: Verified): string {
  const parts = [method, path, query, body.digest ?? '', Token.asset(terms.token), terms.amount.toString()]
  return hash('sha256', JSON.stringify(parts), 'base64url')
}

function insufficient(
  result: Extract<Ledger.ClaimResult, { outcome: 'insufficient' }>,
  { terms, paying }: Verified,
): PaymentRefusedError | SessionRefusedError {
  const { symbol, decimals } = terms.token
  const short = `${Amount.format(result.available, decimals)} ${symbol} is left; the call costs ${Amount.format(result.needed, decimals)}`
  if (result.channel !== null)
    return new SessionRefusedError(
      'insufficient-balance',
      `${short}. Send a voucher of at least requiredCumulative.`,
      channelDetails(result.channel, terms.amount),
    )
  return new PaymentRefusedError(
    'payment-required',
    `${short}. Top the balance of ${paying.wallet} up, or pay otherwise.`,
    {
      reason: 'insufficient-balance',
      available: result.available.toString(),
    },
  )
}
