import { randomUUID } from 'node:crypto'
import { type Address, getAddress } from 'viem'
import type { Deps } from '../deps.ts'
import { GatewayError } from '../errors.ts'
import * as Account from '../ledger/Account.ts'
import type { Rail } from '../ledger/Payment.ts'
import * as Amount from '../protocol/Amount.ts'
import * as Challenge from '../protocol/mpp/Challenge.ts'
import * as PaymentRequired from '../protocol/x402/PaymentRequired.ts'
import { DepositInProgressError } from '../rails/channel/relay.ts'
import type { Terms } from '../rails/Terms.ts'
import * as Token from '../routes/Token.ts'
import { MethodNotAllowedError } from './match.ts'
import { json, type Outgoing } from './Outgoing.ts'
import { challenges, paymentRequired } from './offers.ts'
import type { Priced } from './price.ts'

/** Says an error as a problem document (RFC 9457), with whatever headers its status asks for. */
export function problem(error: GatewayError, extra: Record<string, unknown> = {}): Outgoing {
  const title = error.code.replaceAll('-', ' ').replace(/\b[a-z]/g, (letter) => letter.toUpperCase())
  const body = {
    type: error.type,
    title,
    status: error.status,
    detail: error.message,
    code: error.code,
    ...error.details,
    ...extra,
  }
  const headers = ['content-type', 'application/problem+json', 'cache-control', 'no-store']
  if (error.retryAfter !== undefined) headers.push('retry-after', String(error.retryAfter))
  // RFC 9110: a 401 names the scheme that would do.
  if (error.status === 401) headers.push('www-authenticate', 'Bearer')
  // Whoever is left guessing about a payment can ask what became of it.
  if (typeof error.details.paymentId === 'string')
    headers.push('link', `</farthing/payments/${encodeURIComponent(error.details.paymentId)}>; rel="status"`)
  if (error instanceof DepositInProgressError && error.waited !== null)
    headers.push('preference-applied', `wait=${error.waited}`)
  if (error instanceof MethodNotAllowedError) headers.push('allow', error.allow.join(', '))
  return json(error.status, body, headers)
}

/** Any error as an answer. What is not one of ours is logged under an id, and a stranger sees only the id. */
export function errorAnswer(error: unknown, { log }: Pick<Deps, 'log'>): Outgoing {
  if (error instanceof GatewayError) {
    if (error.status >= 500) log.warn({ err: error, code: error.code }, 'request failed')
    return problem(error)
  }
  const id = randomUUID()
  log.error({ err: error, id }, 'request failed')
  return problem(new InternalError(id))
}

/**
 * A 402: the problem, and every way to pay for this call, in both dialects. `proven` is the wallet that has proven itself,
 * by a session or by a verified credential: only that one is told what credit it has.
 */
export async function paymentProblem(
  error: GatewayError,
  priced: Priced,
  proven: Address | null,
  deps: Deps,
): Promise<Outgoing> {
  const { terms, path } = priced
  const channelId =
    typeof error.details.channelId === 'string' ? (error.details.channelId as `0x${string}`) : null
  const offered = challenges(terms, deps, channelId)
  const credit = proven === null ? {} : await describeCredit(proven, terms, deps)
  const answer = problem(error, { ...describe(terms, deps), ...credit, challengeId: offered[0]?.id })
  const { headers } = answer
  headers.push(
    'www-authenticate',
    offered.length === 0 ? 'Bearer' : offered.map(Challenge.serialize).join(', '),
  )
  const x402 = paymentRequired(terms, path, error.message, deps)
  if (x402 !== null) headers.push(PaymentRequired.header.toLowerCase(), PaymentRequired.serialize(x402))
  return answer
}

/** What a person or a program wants to know before paying. */
function describe(terms: Terms, { config, chain }: Deps): Record<string, unknown> {
  const { route, token } = terms
  const link = (path: string) => new URL(path, config.publicUrl).href
  return {
    route: route.id,
    ...(route.description === null ? {} : { description: route.description }),
    price: {
      amount: terms.amount.toString(),
      formatted: Amount.format(terms.amount, token.decimals),
      symbol: token.symbol,
      decimals: token.decimals,
      token: getAddress(token.address),
      chainId: token.chainId,
      asset: Token.asset(token),
    },
    payee: getAddress(chain.payee),
    brokenStream: route.brokenStream,
    offers: route.rails.map((rail) => describeOffer[rail](terms, chain, link)),
    links: { discovery: link('/farthing'), signIn: link('/farthing/sign-in') },
  }
}

/** Credit that the wallet may spend on this call, or have paid out. */
async function describeCredit(
  wallet: Address,
  { token }: Terms,
  { config, ledger }: Deps,
): Promise<Record<string, unknown>> {
  const { available } = await ledger.balance(Account.wallet(wallet), Token.asset(token))
  if (available <= 0n) return {}
  return {
    credit: {
      available: available.toString(),
      formatted: Amount.format(available, token.decimals),
      symbol: token.symbol,
      ...(config.withdrawals.enabled
        ? { withdraw: new URL('/farthing/withdrawals', config.publicUrl).href }
        : {}),
    },
  }
}

type Describe = (
  terms: Terms,
  chain: Deps['chain'],
  link: (path: string) => string,
) => Record<string, unknown>

const describeOffer: Record<Rail, Describe> = {
  charge: ({ route }) => ({ rail: 'charge', dialects: ['mpp', 'x402'], settle: route.settle }),
  channel: ({ token }, chain) => ({
    rail: 'channel',
    dialects: ['mpp'],
    escrow: getAddress(chain.escrow),
    suggestedDeposit: token.suggestedDeposit.toString(),
  }),
  balance: (_terms, _chain, link) => ({
    rail: 'balance',
    signIn: link('/farthing/sign-in'),
    topUp: link('/farthing/balance/top-up'),
  }),
}

/** What a stranger sees of a fault of ours: an id to quote, and nothing else. */
export class InternalError extends GatewayError {
  constructor(id: string) {
    super({
      status: 500,
      code: 'internal-error',
      message: `Something went wrong on our side. Quote ${id} when you report it.`,
      details: { id },
    })
  }
}
