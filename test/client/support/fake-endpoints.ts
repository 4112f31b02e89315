import { type Address, type Hex, verifyMessage, zeroAddress } from 'viem'
import { createSiweMessage } from 'viem/siwe'
import { domain, type State } from './fake-gateway.ts'

/** What the fake answers beside paid calls: discovery, sign-in, balance, channels. */

export function discovery(state: State): Response {
  const { terms, keys } = state
  if (!terms.farthing) return new Response('nothing here', { status: 404 })
  const token = { symbol: 'TUSD', address: terms.token, decimals: 6, ...domain }
  return Response.json({
    name: 'farthing',
    chainId: terms.chainId,
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
