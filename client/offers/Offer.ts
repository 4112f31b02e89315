import type { Address, Hex } from 'viem'
import type { Challenge } from '../../gateway/protocol/mpp/Challenge.ts'
import type { PaymentRequired, Requirements } from '../../gateway/protocol/x402/PaymentRequired.ts'

/** One way to pay that this client understands, the same shape from both dialects. Amounts in base units. */
export type Offer = ChargeOffer | ChannelOffer

type Terms = {
  /** What the call costs. */
  amount: bigint
  chainId: number
  token: Address
  payee: Address
  /** The token's EIP-712 domain, where the same answer states it. */
  domain: Domain | undefined
}

/** One transfer for one call: MPP `evm`/`charge` or x402 `exact`. */
export type ChargeOffer = Terms & {
  rail: 'charge'
  source:
    | { dialect: 'mpp'; challenge: Challenge }
    | { dialect: 'x402'; required: PaymentRequired; requirements: Requirements }
}

/** A payment channel: MPP `evm`/`session`. */
export type ChannelOffer = Terms & {
  rail: 'channel'
  escrow: Address
  challenge: Challenge
  suggestedDeposit: bigint | undefined
  minVoucherDelta: bigint
  /** How the channel can be funded, in the server's order. */
  funding: ReadonlyArray<'authorization' | 'hash'>
  /** A channel of ours that the server remembers. */
  channelId: Hex | undefined
}

/** A token's EIP-712 name and version. A wrong one makes a signature that nobody can use. */
export type Domain = { name: string; version: string }

/** An offer that was passed over, and why. */
export type Rejected = { rail: string; reason: string; rule: string }

/** Everything an answer offered. */
export type Offers = { offers: Offer[]; rejected: Rejected[] }
