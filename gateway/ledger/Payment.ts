import type { Address, Hex } from 'viem'
import type { Account } from './Account.ts'
import type { Asset } from './Asset.ts'

/** How money moves. */
export type Rail = 'charge' | 'channel' | 'balance'
/** How it was said on the wire; a bearer session speaks neither protocol. */
export type Dialect = 'x402' | 'mpp' | 'session'

/**
 * What became of the call. One owner: the request that claimed it, or recovery after a crash.
 *
 * | State | Means | Next |
 * |---|---|---|
 * | `held` | claimed and reserved; the upstream may have been called | `delivering`, `delivered`, `void`, `failed` |
 * | `delivering` | charged; the answer is on its way to the caller | `delivered`, `failed` |
 * | `delivered` | the answer left us whole, or is stored and can be asked for again | end |
 * | `failed` | nothing was delivered although money had moved; see `money` for what became of it | end |
 * | `void` | nothing was delivered and nothing charged; the same credential may be used again for the same call | `held` |
 */
export type DeliveryState = 'held' | 'delivering' | 'delivered' | 'failed' | 'void'

/**
 * What became of the money.
 *
 * | State | Means | Next |
 * |---|---|---|
 * | `held` | reserved (channel, balance), or authorised and not yet sent (charge) | `settling`, `captured`, `void` |
 * | `settling` | a transaction that moves it may have been broadcast: ask the chain, never assume | `settled`, `unknown`, `void` |
 * | `unknown` | broadcast, and the chain did not answer in time; asked again until known | `settled`, `credited`, `void`, `lost` |
 * | `captured` | spent from what the gateway already held (channel, balance) | `refunded` |
 * | `settled` | moved on chain and earned | `credited`, `reversed` |
 * | `credited` | moved on chain, not delivered: it is credit on the payer's wallet | `reversed` |
 * | `reversed` | it had moved, and the chain took that back: taken from the payer's credit, or its debt | what it was |
 * | `refunded` | captured, then given back in full because delivery broke | end |
 * | `void` | released; nothing moved | `held`, `credited` |
 * | `lost` | delivered first (order `after`) and settlement failed for good | `settled` |
 */
export type MoneyState =
  | 'held'
  | 'settling'
  | 'unknown'
  | 'captured'
  | 'settled'
  | 'credited'
  | 'refunded'
  | 'void'
  | 'lost'
  | 'reversed'

/** One payment for one call: one row, and the unique `key` is what cannot be spent twice. */
export type Payment = {
  /** Public id, random: `pay_…`. */
  id: string
  /** The payment key (design section 2): unique over all payments. */
  key: string
  /** Digest of method, canonical path and query, body digest and price terms. */
  fingerprint: string
  rail: Rail
  dialect: Dialect
  wallet: Address
  route: string
  asset: Asset
  /** Base units reserved: the most this call may cost. */
  amount: bigint
  /** Base units charged; 0 until captured or settled. */
  charged: bigint
  /** Account that earns it: `revenue:<route>`, or the wallet itself for a top-up. */
  earns: Account
  delivery: DeliveryState
  money: MoneyState
  /** Channel rail: the channel, and the voucher that covered the call. */
  channelId: Hex | null
  cumulative: bigint | null
  /** Charge rail: transaction that moved the money, once known. */
  transaction: Hex | null
  /** Charge rail: everything needed to settle it again after a restart (JSON). */
  settlement: string | null
  /** How far a stream got; null when the answer was no stream, or has not ended. */
  delivered: Delivered | null
  /** Charge rail: its answer may be released before its transfer is sent (order `after`). */
  atRisk: boolean
  /**
   * The instance whose request works on it (`Instances.ts`); null when no request does: it is `unknown`, and asked after.
   * What has ended keeps the last one.
   */
  owner: string | null
  /** Why it failed or was voided. */
  reason: string | null
  /** Milliseconds since the epoch. */
  createdAt: number
  updatedAt: number
}

/** How far a stream got. `whole` is false when it broke off or the caller hung up. */
export type Delivered = { bytes: number; whole: boolean }

/** An answer kept so that the same credential for the same call gets it again, uncharged. Bytes are opaque here. */
export type StoredAnswer = { sealed: Uint8Array }

/** It has not ended: its call is at work, or the chain is asked what became of its money. The column `open` says the same. */
export function isOpen({ delivery, money }: Pick<Payment, 'delivery' | 'money'>): boolean {
  const runs = delivery === 'held' || delivery === 'delivering'
  return runs || money === 'held' || money === 'settling' || money === 'unknown'
}
