import type { Address, Hex } from 'viem'
import type { Asset } from './Asset.ts'

/** A voucher as it was accepted: cumulative amount in base units and the signer's signature over it. */
export type AcceptedVoucher = { cumulative: bigint; signature: Hex }

/**
 * What the gateway knows of one channel. Law: settled ≤ spent ≤ accepted ≤ deposit, each only growing, but for what a
 * reorganisation takes back of `deposit` and `settled`.
 * `deposit`, `settled`, `closeRequestedAt` and `finalized` mirror the escrow contract; `accepted` and `spent` are ours.
 */
export type Channel = {
  id: Hex
  chainId: number
  escrow: Address
  payer: Address
  payee: Address
  token: Address
  asset: Asset
  /** Who signs vouchers; the payer when nobody is delegated. */
  signer: Address
  deposit: bigint
  settled: bigint
  /** Highest voucher value accepted. */
  accepted: bigint
  /** Charged for delivered calls. */
  spent: bigint
  /** Reserved by calls in flight; accepted − spent − reserved is available. */
  reserved: bigint
  /** Highest voucher. */
  voucher: AcceptedVoucher | null
  /** Unix seconds at which the payer's request to close was mined; null when there is none. */
  closeRequestedAt: number | null
  finalized: boolean
  /** Base units of the deposit that the chain does not have since a reorganisation: no vouchers until it does. */
  depositMissing: bigint
  /** Base units of what was spent that are its payer's debt, because the deposit cannot pay them. */
  inDebt: bigint
  /** Why it takes no vouchers until an operator decides (the books are older than the chain); null when it does. */
  suspended: string | null
  /** Milliseconds since the epoch. */
  openedAt: number
  /** When the oldest value now unsettled was spent; null when nothing is unsettled. */
  unsettledSince: number | null
  lastUsedAt: number
}

/** Base units that a new call on this channel may still reserve. */
export function available(channel: Pick<Channel, 'accepted' | 'spent' | 'reserved'>): bigint {
  return channel.accepted - channel.spent - channel.reserved
}
