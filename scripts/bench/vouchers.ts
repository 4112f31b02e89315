import type { Hex } from 'viem'
import * as Challenge from '../../gateway/protocol/mpp/Challenge.ts'
import type { ChainFacts } from './chain.ts'
import { price, routes } from './Gateway.ts'
import type { Key } from './Key.ts'
import { request } from './load/request.ts'
import { createVoucherDigest } from './voucher-digest.ts'

/** A signed voucher: what stands in a credential. */
export type Signed = { channelId: Hex; cumulative: bigint; signature: Hex; payer: Key }

/** A channel to be spent from, and what its last voucher said. */
export type Spendable = { key: Key; channelId: Hex; cumulative: bigint }

/** Signs vouchers for a channel, one price apart, beginning after the last. */
export function signVouchers(
  { key, channelId, cumulative }: Spendable,
  count: number,
  chain: Pick<ChainFacts, 'chainId' | 'escrow'>,
): Signed[] {
  const digest = createVoucherDigest(chain)
  return Array.from({ length: count }, (_, index) => {
    const next = cumulative + BigInt(index + 1) * price
    const signature = Buffer.from(key.sign(digest(channelId, next))).toString('hex')
    return { channelId, cumulative: next, signature: `0x${signature}` as const, payer: key }
  })
}

/** One voucher for all the rest: every call spends a part of it. */
export function signOnce(
  channel: Spendable,
  calls: number,
  chain: Pick<ChainFacts, 'chainId' | 'escrow'>,
): Signed {
  const before = channel.cumulative + BigInt(calls - 1) * price
  const [voucher] = signVouchers({ ...channel, cumulative: before }, 1, chain)
  if (voucher === undefined) throw new Error('No voucher was signed.')
  return voucher
}

/** The offer of a channel, as the gateway makes it now. */
export async function sessionOffer(url: string): Promise<Challenge.Challenge> {
  const response = await fetch(url + routes.paid)
  await response.arrayBuffer()
  const offers = Challenge.parseAll(response.headers.get('www-authenticate') ?? '')
  const offer = offers.find(({ intent }) => intent === 'session')
  if (offer === undefined)
    throw new Error(`${response.url} answered ${response.status} without a session offer.`)
  return offer
}

/** Makes the requests that pay with these vouchers. Fast: there are tens of thousands of them. */
export function paidRequests(offer: Challenge.Challenge, chainId: number): (voucher: Signed) => Buffer {
  // Canonical JSON has its members in order of name; these are, but for the challenge's own, which are sorted here.
  const challenge = JSON.stringify(
    Object.fromEntries(Object.entries(offer).sort(([a], [b]) => (a < b ? -1 : 1))),
  )
  return ({ channelId, cumulative, signature, payer }) => {
    const payload = `{"action":"voucher","channelId":"${channelId}","cumulativeAmount":"${cumulative}","signature":"${signature}"}`
    const source = `did:pkh:eip155:${chainId}:${payer.account.address}`
    const credential = `{"challenge":${challenge},"payload":${payload},"source":"${source}"}`
    return request(routes.paid, { authorization: `Payment ${Buffer.from(credential).toString('base64url')}` })
  }
}

/** An offer for servers that do not look at it; as long as a real one. */
export const sessionOfferStub: Challenge.Challenge = {
  id: 'x'.repeat(43),
  realm: '127.0.0.1:8402',
  method: 'evm',
  intent: 'session',
  request: 'x'.repeat(540),
  expires: '2030-01-01T00:00:00.000Z',
  opaque: 'x'.repeat(40),
}
