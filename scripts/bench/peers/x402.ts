import { computeChannelId } from '@x402/evm/batch-settlement/client'
import { type Address, getAddress, type Hex, hashTypedData, hexToBytes } from 'viem'
import { hashOf, type Key, key } from '../Key.ts'
import { request } from '../load/request.ts'

/** Vouchers of x402's `batch-settlement`, signed beforehand as its client signs them. */

export const network = 'eip155:84532'
/** Where the vouchers can be cashed: the contract and the token that the packages name for this network. */
const contract: Address = '0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003'
const token: Address = '0x036CbD53842c5426634e7929541eC2318f3dCF7e'

export const receiver = getAddress(key('receiver').address)
export const receiverAuthorizer = getAddress(key('receiver authorizer').address)

/** A channel that its server knows beforehand. */
export type Channel = ReturnType<typeof channelOf>

export function channelOf(payer: Key, index: number) {
  const channelConfig = {
    payer: payer.account.address,
    payerAuthorizer: payer.account.address,
    receiver,
    receiverAuthorizer,
    token,
    withdrawDelay: 900,
    salt: hashOf(`salt ${index}`),
  }
  return { payer, channelConfig, channelId: computeChannelId(channelConfig, network) }
}

/** The voucher of a channel's n-th call. `signer` may be somebody else, for a voucher that must be refused. */
export function voucherOf({ payer, channelId }: Channel, calls: number, signer: Key = payer): Voucher {
  const maxClaimableAmount = BigInt(calls) * 1_000n
  const digest = hashTypedData({
    domain: { name: 'x402 Batch Settlement', version: '1', chainId: 84532, verifyingContract: contract },
    types: {
      Voucher: [
        { name: 'channelId', type: 'bytes32' },
        { name: 'maxClaimableAmount', type: 'uint128' },
      ],
    },
    primaryType: 'Voucher',
    message: { channelId, maxClaimableAmount },
  })
  const signature = Buffer.from(signer.sign(hexToBytes(digest))).toString('hex')
  return { channelId, maxClaimableAmount: maxClaimableAmount.toString(), signature: `0x${signature}` }
}

export type Voucher = { channelId: Hex; maxClaimableAmount: string; signature: Hex }

/** The offer of a server, as its 402 says it. */
export async function offerOf(url: string): Promise<{ resource: unknown; accepted: unknown }> {
  const response = await fetch(url)
  await response.arrayBuffer()
  const header = response.headers.get('payment-required')
  if (header === null) throw new Error(`${url} answered ${response.status} without an offer.`)
  const { resource, accepts } = JSON.parse(Buffer.from(header, 'base64').toString()) as {
    resource: unknown
    accepts: unknown[]
  }
  return { resource, accepted: accepts[0] }
}

/** The request that pays with a voucher. */
export function paidRequest(
  offer: { resource: unknown; accepted: unknown },
  { channelConfig }: Channel,
  voucher: Voucher,
): Buffer {
  const payment = { x402Version: 2, ...offer, payload: { type: 'voucher', channelConfig, voucher } }
  return request('/paid', { 'payment-signature': Buffer.from(JSON.stringify(payment)).toString('base64') })
}
