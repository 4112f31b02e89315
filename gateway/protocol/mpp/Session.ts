import * as z from 'zod/mini'
import { address, amount, bytes32, signature, uint256 } from '../Schema.ts'

/** `evm` / `session`: payment channels with cumulative vouchers (draft-evm-session-00). */

/** The challenge's request, decoded. Amounts in base units. */
export const request = z.object({
  amount,
  currency: address,
  recipient: address,
  unitType: z.optional(z.string()),
  suggestedDeposit: z.optional(amount),
  description: z.optional(z.string()),
  externalId: z.optional(z.string()),
  methodDetails: z.object({
    chainId: z.int().check(z.positive()),
    escrowContract: address,
    channelId: z.optional(bytes32),
    minVoucherDelta: z.optional(amount),
    feePayer: z.optional(z.boolean()),
    credentialTypes: z.optional(z.array(z.string())),
  }),
})
export type Request = z.infer<typeof request>

const authorization = z.object({
  from: address,
  to: address,
  value: amount,
  validAfter: uint256,
  validBefore: uint256,
  nonce: bytes32,
})

/** Open, broadcast by the client: the transaction that did it. */
export const openByHash = z.object({
  action: z.literal('open'),
  type: z.literal('hash'),
  channelId: bytes32,
  hash: bytes32,
  cumulativeAmount: amount,
  signature,
  authorizedSigner: z.optional(address),
  salt: bytes32,
})

/** Open, submitted by the gateway: an EIP-3009 `receiveWithAuthorization` to the escrow. */
export const openByAuthorization = z.object({
  action: z.literal('open'),
  type: z.literal('authorization'),
  channelId: bytes32,
  authorization,
  signature,
  cumulativeAmount: amount,
  voucherSignature: signature,
  authorizedSigner: z.optional(address),
  salt: bytes32,
})

export const topUpByHash = z.object({
  action: z.literal('topUp'),
  type: z.literal('hash'),
  channelId: bytes32,
  hash: bytes32,
  additionalDeposit: amount,
})

export const topUpByAuthorization = z.object({
  action: z.literal('topUp'),
  type: z.literal('authorization'),
  channelId: bytes32,
  salt: bytes32,
  authorization,
  signature,
  additionalDeposit: amount,
})

/** A deposit merged into a voucher: one round trip for funding and paying. */
const deposit = z.object({
  action: z.union([z.literal('open'), z.literal('topUp')]),
  type: z.literal('authorization'),
  authorization,
  signature,
  salt: bytes32,
  authorizedSigner: z.optional(address),
})

export const voucher = z.object({
  action: z.literal('voucher'),
  channelId: bytes32,
  cumulativeAmount: amount,
  signature,
  deposit: z.optional(deposit),
})

export const close = z.object({
  action: z.literal('close'),
  channelId: bytes32,
  cumulativeAmount: amount,
  signature,
})

/** Any payload of the session intent. */
export const payload = z.union([
  openByHash,
  openByAuthorization,
  topUpByHash,
  topUpByAuthorization,
  voucher,
  close,
])
export type Payload = z.infer<typeof payload>
export type Voucher = z.infer<typeof voucher>
export type OpenByHash = z.infer<typeof openByHash>
export type OpenByAuthorization = z.infer<typeof openByAuthorization>
export type TopUpByHash = z.infer<typeof topUpByHash>
export type TopUpByAuthorization = z.infer<typeof topUpByAuthorization>
export type Close = z.infer<typeof close>
