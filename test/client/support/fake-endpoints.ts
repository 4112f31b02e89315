import { type Address, type Hex, verifyMessage, zeroAddress } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { createSiweMessage } from 'viem/siwe'
import * as PaymentStatus from '../../../gateway/protocol/PaymentStatus.ts'
import { domain, type State } from './fake-gateway.ts'
import { privateKey } from './wallet.ts'

/** What the fake answers beside paid calls: discovery, sign-in, balance, channels. */

export function discovery(state: State): Response {
  const { terms, keys } = state
  if (!terms.farthing) return new Response('nothing here', { status: 404 })
  const token = { symbol: 'TUSD', address: terms.token, decimals: 6, ...domain }
  return Response.json({
    name: 'farthing',
    chainId: terms.chainId,
    escrow: terms.escrow,
    payee: terms.payee,
    tokens: [token],
    receiptKey: keys.publicKey,
  })
}

export async function signIn(state: State, request: Request, url: URL): Promise<Response> {
  if (request.method === 'GET') {
    const address = url.searchParams.get('address') as Address
    const message = createSiweMessage({
      address,
      chainId: state.terms.chainId,
      domain: url.host,
      nonce: 'nonce12345678',
      uri: url.origin,
      version: '1',
    })
    return Response.json({ nonce: 'nonce12345678', message })
  }
  const { message, signature } = (await request.json()) as { message: string; signature: Hex }
  const address = /0x[0-9a-fA-F]{40}/.exec(message)?.[0] as Address
  if (!(await verifyMessage({ address, message, signature }))) return new Response(null, { status: 401 })
  const expiresAt = new Date(state.now() + 3_600_000).toISOString()
  return Response.json({ token: 'session-token-0123456789', wallet: address.toLowerCase(), expiresAt })
}

/** What became of a payment of {@link privateKey}'s wallet, signed; 404 when nothing is to be said. */
export async function payment(state: State, id: string): Promise<Response> {
  const status = state.statuses.shift()
  if (status === undefined) return new Response(null, { status: 404 })
  const sub = privateKeyToAccount(privateKey).address.toLowerCase() as Address
  const facts = {
    delivery: 'held',
    money: 'unknown',
    route: 'GET /',
    rail: 'charge',
    asset: 'eip155:1/erc20:0x',
  } as const
  const amounts = { amount: state.terms.price, charged: 0n, credited: 0n }
  const claims = {
    jti: id,
    iss: 'http://fake',
    sub,
    iat: 0,
    status,
    ...facts,
    ...amounts,
    createdAt: 0,
    updatedAt: 0,
  }
  const input = PaymentStatus.signingInput(claims)
  return Response.json({ id, status, jws: `${input}.${await state.keys.sign(input)}` })
}

/** Takes any withdrawal; asked after, it is paid. */
export async function withdrawal(request: Request): Promise<Response> {
  const { symbol = 'TUSD', to, signed } = request.method === 'POST' ? ((await request.json()) as Asked) : {}
  const wallet = signed?.wallet ?? privateKeyToAccount(privateKey).address
  const state = request.method === 'POST' ? 'requested' : 'paid'
  const transaction = state === 'paid' ? `0x${'ab'.repeat(32)}` : null
  const withdrawal = {
    id: 'wd_1',
    state,
    wallet,
    to: to ?? wallet,
    amount: '1500000',
    symbol,
    transaction,
    reason: null,
  }
  return Response.json(withdrawal, { status: request.method === 'POST' ? 202 : 200 })
}

type Asked = { symbol?: string; to?: Address; signed?: { wallet: Address } }

export function balance(state: State): Response {
  const posted = String([...state.balances.values()][0] ?? 0n)
  const entry = { symbol: 'TUSD', token: state.terms.token, decimals: 6, posted, available: posted }
  return Response.json({ wallet: zeroAddress, balances: [entry] })
}

export function channels(state: State): Response {
  const { chainId, escrow, payee, token } = state.terms
  const listed = [...state.channels].map(([channelId, held]) => ({
    channelId,
    chainId,
    escrow,
    payee,
    token,
    deposit: String(held.deposit),
    accepted: String(held.accepted),
    spent: String(held.spent),
    settled: '0',
    finalized: held.finalized,
    voucherSignature: held.signature,
  }))
  return Response.json({ channels: listed })
}
