import { type Address, type Hex, zeroAddress } from 'viem'
import type * as Authorization from '../../../gateway/protocol/Authorization.ts'
import * as Challenge from '../../../gateway/protocol/mpp/Challenge.ts'
import * as Charge from '../../../gateway/protocol/mpp/Charge.ts'
import * as Credential from '../../../gateway/protocol/mpp/Credential.ts'
import * as Session from '../../../gateway/protocol/mpp/Session.ts'
import type * as PaymentStatus from '../../../gateway/protocol/PaymentStatus.ts'
import * as Receipt from '../../../gateway/protocol/Receipt.ts'
import * as SignedReceipt from '../../../gateway/protocol/SignedReceipt.ts'
import * as PaymentPayload from '../../../gateway/protocol/x402/PaymentPayload.ts'
import * as PaymentRequired from '../../../gateway/protocol/x402/PaymentRequired.ts'
import { balance, channels, discovery, payment, signIn, withdrawal } from './fake-endpoints.ts'
import { act } from './fake-session.ts'
import { verifyAuthorization } from './fake-signatures.ts'
import { receiptKeys } from './receipt-keys.ts'
import { serve } from './serve.ts'

/** Terms of the fake. Tests change them to lie. */
export type Terms = {
  price: bigint
  chainId: number
  token: Address
  payee: Address
  escrow: Address
  suggestedDeposit: bigint
  minVoucherDelta: bigint
  rails: Array<'channel' | 'charge' | 'balance'>
  dialects: Array<'mpp' | 'x402'>
  /** True when the gateway pays for openings; else payers send transactions, which the fake takes on their word. */
  feePayer: boolean
  /** A Farthing gateway states itself and signs receipts; a stock server does neither. */
  farthing: boolean
}

type Held = {
  payer: Address
  deposit: bigint
  accepted: bigint
  signature: Hex
  spent: bigint
  finalized: boolean
}

/** One request as it came. */
export type Seen = { method: string; path: string; headers: Headers; body: string }

export const domain = { name: 'Test USD', version: '2' }
const secret = new Uint8Array(32).fill(7)

/**
 * A gateway in one file, over real HTTP, that verifies every signature: enough of the protocol to test the client alone.
 * `before` and `after` let a test get between.
 */
export async function startFakeGateway(overrides: Partial<Terms> = {}) {
  const keys = await receiptKeys()
  const terms: Terms = {
    price: 1_000n,
    chainId: 31_337,
    token: '0x1111111111111111111111111111111111111111',
    payee: '0x2222222222222222222222222222222222222222',
    escrow: '0x3333333333333333333333333333333333333333',
    suggestedDeposit: 100_000n,
    minVoucherDelta: 0n,
    rails: ['channel', 'charge'],
    dialects: ['mpp', 'x402'],
    feePayer: true,
    farthing: true,
    ...overrides,
  }
  const state = {
    terms,
    keys,
    channels: new Map<Hex, Held>(),
    seen: [] as Seen[],
    /** Cumulative amounts as they arrived. */
    vouchers: [] as bigint[],
    delivered: 0,
    balances: new Map<Address, bigint>(),
    /** What is said of any payment, one by one; `unknown` when there is nothing left to say. */
    statuses: [] as PaymentStatus.Status[],
    /** Answers by idempotency key. */
    answers: new Map<string, { status: number; body: string; headers: Headers }>(),
    upstream: () => new Response('sold'),
    /** The challenge's clock. */
    now: () => Date.now(),
    before: undefined as undefined | ((request: Request) => Response | Promise<Response> | undefined),
    after: undefined as
      | undefined
      | ((response: Response, request: Request) => Response | Promise<Response> | 'drop'),
    lastPaid: undefined as Headers | undefined,
  }
  const server = await serve(async (request) => {
    const body = await request.clone().text()
    const url = new URL(request.url)
    state.seen.push({
      method: request.method,
      path: url.pathname + url.search,
      headers: request.headers,
      body,
    })
    const early = await state.before?.(request)
    if (early !== undefined) return early
    const response = await route(state, request, url)
    return (await state.after?.(response, request)) ?? response
  })
  return Object.assign(state, { url: server.url, close: server.close })
}

export type FakeGateway = Awaited<ReturnType<typeof startFakeGateway>>
export type State = Omit<FakeGateway, 'url' | 'close'>

async function route(state: State, request: Request, url: URL): Promise<Response> {
  if (url.pathname === '/farthing') return discovery(state)
  if (url.pathname === '/farthing/sign-in') return signIn(state, request, url)
  if (url.pathname === '/farthing/balance') return balance(state)
  if (url.pathname === '/farthing/channels') return channels(state)
  if (url.pathname.startsWith('/farthing/withdrawals')) return withdrawal(request)
  if (url.pathname.startsWith('/farthing/payments/'))
    return payment(state, url.pathname.split('/').at(-1) ?? '')
  const key = request.headers.get('idempotency-key')
  const stored = key === null ? undefined : state.answers.get(key)
  if (stored !== undefined) return new Response(stored.body, stored)
  const response = await sell(state, request, url)
  if (key !== null && response.headers.has(SignedReceipt.header))
    state.answers.set(key, {
      status: response.status,
      body: await response.clone().text(),
      headers: response.headers,
    })
  return response
}

async function sell(state: State, request: Request, url: URL): Promise<Response> {
  const authorization = request.headers.get('authorization') ?? ''
  const token = Credential.token(authorization)
  const x402 = request.headers.get(PaymentPayload.header)
  if (token !== null) return payMpp(state, request, url, Credential.parse(token))
  if (x402 !== null) return payX402(state, url, PaymentPayload.parse(x402))
  if (authorization.startsWith('Bearer ') && state.terms.rails.includes('balance'))
    return payBalance(state, url)
  return ask(state, url, 'payment-required')
}

/** A 402 with every offer. */
export function ask(state: State, url: URL, code: string, channelId?: Hex): Response {
  const { terms } = state
  const response = problem(state, 402, code, channelId)
  const expires = new Date(state.now() + 60_000).toISOString()
  const common = { realm: url.host, method: 'evm', expires, opaque: { nonce: crypto.randomUUID() } }
  const request = { amount: String(terms.price), currency: terms.token, recipient: terms.payee }
  if (terms.rails.includes('charge') && terms.dialects.includes('mpp')) {
    const methodDetails = { chainId: terms.chainId, credentialTypes: ['authorization'] }
    const charge = { ...common, intent: 'charge', request: { ...request, methodDetails } }
    response.headers.append('www-authenticate', Challenge.serialize(Challenge.create(charge, secret)))
  }
  if (terms.rails.includes('channel')) {
    const session = { ...request, unitType: 'request', suggestedDeposit: String(terms.suggestedDeposit) }
    const methodDetails = {
      chainId: terms.chainId,
      escrowContract: terms.escrow,
      minVoucherDelta: String(terms.minVoucherDelta),
      feePayer: terms.feePayer,
      credentialTypes: terms.feePayer ? ['authorization', 'hash'] : ['hash'],
    }
    const challenge = { ...common, intent: 'session', request: { ...session, methodDetails } }
    response.headers.append('www-authenticate', Challenge.serialize(Challenge.create(challenge, secret)))
  }
  if (terms.rails.includes('charge') && terms.dialects.includes('x402'))
    response.headers.set(
      PaymentRequired.header,
      PaymentRequired.serialize({
        x402Version: 2,
        resource: { url: url.href },
        accepts: [requirements(terms)],
      }),
    )
  return response
}

function requirements(terms: Terms): PaymentRequired.Requirements {
  return {
    scheme: 'exact',
    network: `eip155:${terms.chainId}`,
    amount: String(terms.price),
    asset: terms.token,
    payTo: terms.payee,
    maxTimeoutSeconds: 60,
    extra: { assetTransferMethod: 'eip3009', ...domain },
  }
}

async function payMpp(
  state: State,
  request: Request,
  url: URL,
  credential: Credential.Credential,
): Promise<Response> {
  if (!Challenge.isBound(credential.challenge, secret)) return ask(state, url, 'invalid-challenge')
  if (Date.parse(credential.challenge.expires ?? '') <= state.now())
    return ask(state, url, 'invalid-challenge')
  const asked = Challenge.decodeRequest(credential.challenge)
  if (asked.amount !== String(state.terms.price)) return ask(state, url, 'invalid-challenge')
  if (credential.challenge.intent === 'charge') {
    const charge = Charge.authorization.parse(credential.payload)
    if (charge.nonce !== Challenge.hash(credential.challenge)) return ask(state, url, 'verification-failed')
    return charged(state, url, charge, charge.signature)
  }
  return act(state, request, url, Session.payload.parse(credential.payload))
}

async function payX402(state: State, url: URL, payment: PaymentPayload.PaymentPayload): Promise<Response> {
  const { authorization, signature } = PaymentPayload.exact.parse(payment.payload)
  return charged(state, url, authorization, signature)
}

async function charged(
  state: State,
  url: URL,
  message: Authorization.Authorization,
  signature: Hex,
): Promise<Response> {
  const { terms } = state
  const valid = await verifyAuthorization(state, 'transfer', message, signature)
  if (!valid || message.value !== terms.price || message.to !== terms.payee)
    return ask(state, url, 'verification-failed')
  return serveCall(state, message.from, 'charge')
}

async function payBalance(state: State, url: URL): Promise<Response> {
  const [wallet, balance] = [...state.balances][0] ?? [zeroAddress, 0n]
  if (balance < state.terms.price) return ask(state, url, 'insufficient-balance')
  state.balances.set(wallet, balance - state.terms.price)
  return serveCall(state, wallet, 'balance')
}

export async function serveCall(
  state: State,
  wallet: Address,
  rail: 'charge' | 'channel' | 'balance',
  channelId?: Hex,
  answer: Response = state.upstream(),
): Promise<Response> {
  if (answer.status >= 400) return answer
  state.delivered++
  const response = new Response(answer.body, answer)
  const channel = channelId === undefined ? undefined : state.channels.get(channelId)
  const numbers =
    channel === undefined ? {} : { channelId, acceptedCumulative: channel.accepted, spent: channel.spent }
  const { terms } = state
  if (terms.farthing) {
    const claims = {
      jti: `pay_${state.delivered}`,
      iss: 'http://fake',
      sub: wallet,
      iat: 0,
      route: 'GET /',
      rail,
      amount: terms.price,
      asset: `eip155:${terms.chainId}/erc20:${terms.token}`,
      ...numbers,
    }
    const { root, signed } = SignedReceipt.together([claims])
    const [receipt = ''] = signed(await state.keys.sign(root))
    response.headers.set(SignedReceipt.header, receipt)
  }
  response.headers.set(Receipt.header, mppReceipt(channelId, channel))
  return response
}

function mppReceipt(channelId?: Hex, channel?: Held, txHash?: string): string {
  return Receipt.serialize({
    status: 'success',
    method: 'evm',
    timestamp: new Date(0).toISOString(),
    reference: channelId ?? `0x${'cd'.repeat(32)}`,
    ...(channel === undefined
      ? {}
      : { channelId, acceptedCumulative: String(channel.accepted), spent: String(channel.spent) }),
    ...(txHash === undefined ? {} : { txHash }),
  })
}

export function managed(state: State, channelId: Hex, txHash?: string): Response {
  const headers = { [Receipt.header]: mppReceipt(channelId, state.channels.get(channelId), txHash) }
  return Response.json({ channelId }, { headers })
}

/** A problem document, with the channel's numbers when they are known. */
export function problem(state: State, status: number, code: string, channelId?: Hex): Response {
  const channel = channelId === undefined ? undefined : state.channels.get(channelId)
  const details =
    channel === undefined
      ? {}
      : {
          channel: {
            channelId,
            acceptedCumulative: String(channel.accepted),
            spent: String(channel.spent),
            deposit: String(channel.deposit),
          },
        }
  const body = { type: `https://farthing.dev/problems/${code}`, status, code, ...details }
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/problem+json' },
  })
}
