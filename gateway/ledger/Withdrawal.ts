import type { Address, Hex } from 'viem'
import type { Asset } from './Asset.ts'
import type { Ledger } from './Ledger.ts'

/**
 * What became of a withdrawal. While it is open its amount is reserved on the wallet's account.
 *
 * | State | Means | Next |
 * |---|---|---|
 * | `requested` | asked for, and to be paid as soon as the treasury has it | `paying`, `failed` |
 * | `held-for-operator` | above what is paid without a person | `requested`, `failed` |
 * | `paying` | its payout may have been sent: ask the chain, never assume | `paid`, `unknown`, `requested`, `failed` |
 * | `unknown` | sent, and the chain did not answer in time; asked again until known | `paid`, `requested`, `failed` |
 * | `paid` | the mined Transfer log shows it | end, unless a reorganisation takes it back |
 * | `failed` | nothing moved and nothing can; the amount is the wallet's again | end, unless it moves after all |
 */
export type State = 'requested' | 'held-for-operator' | 'paying' | 'unknown' | 'paid' | 'failed'

/** Credit of a wallet that is paid out on chain: one row, and its key is what makes asking twice one withdrawal. */
export type Withdrawal = {
  /** Public id, random: `wd_…`. */
  id: string
  wallet: Address
  asset: Asset
  /** Base units. */
  amount: bigint
  /** Who is paid. */
  to: Address
  state: State
  transaction: Hex | null
  /** Why it waits, or failed. */
  reason: string | null
  /** Milliseconds since the epoch. */
  createdAt: number
  updatedAt: number
}

/**
 * The books of withdrawals. Every method that writes is one atomic operation, durable when its promise resolves; asking
 * again for what is done already changes nothing.
 */
export interface Withdrawals {
  /** Reserves the amount, within the limits. */
  request(request: Request): Promise<RequestResult>
  withdrawal(id: string): Promise<Withdrawal | null>
  /** Newest first. */
  list(filter: { wallet?: Address; limit: number }): Promise<Withdrawal[]>
  /** Those that have not ended, oldest first. */
  open(limit: number): Promise<Withdrawal[]>
  /** The operator lets one go that is held: → `requested`. Null when there is none; others stay as they are. */
  approve(id: string, now: number): Promise<Withdrawal | null>
  /** The operator refuses one that is not being paid: → `failed`. Null when there is none; others stay as they are. */
  reject(id: string, reason: string): Promise<Withdrawal | null>
  /**
   * Takes one that is `requested`, to pay it: once. `short`: what has arrived on chain, less what is being paid out, does
   * not cover it; it stays `requested`. `taken`: it is in another state.
   */
  pay(id: string): Promise<PayResult>
  /** Nothing of its payout was sent or can be mined: → `requested`. Refused while an intent says otherwise. */
  wait(id: string, reason: string): Promise<Withdrawal>
  /** The chain did not answer in time: `paying` → `unknown`. */
  unknown(id: string, reason: string): Promise<Withdrawal>
  /** Its transfer is on chain: books wallet → treasury. Idempotent by chain reference. */
  paid(id: string, ref: Ledger.ChainRef): Promise<Withdrawal>
  /** Nothing moved and nothing can: the amount is the wallet's again. Refused while a transaction may be out. */
  fail(id: string, reason: string): Promise<Withdrawal>
  /**
   * A reorganisation took its payout back for good: books treasury → wallet, and it has failed. In the same step the watcher
   * steps back, so that what moved in its place is read again.
   */
  returned(id: string, payout: Returned): Promise<Withdrawal>
  /**
   * Its payout is on chain although it had ended without, or by another transaction. It is taken from the wallet's credit, and
   * what that does not cover is debt. `instead`: the anchor of the payout whose place it took. Idempotent by chain reference.
   */
  moved(id: string, ref: Ledger.ChainRef, instead?: number): Promise<Withdrawal>
  /** An operator says what a payout counts for that moved something other than was asked for; noted in the trail. */
  resolve(id: string, resolution: Resolution): Promise<Withdrawal>
}

/** `anchor`: of the payout that is gone. `from`: the block to read from. */
export type Returned = { anchor: number; from: bigint; reason: string }

/** Base units. `paid`: what counts as paid to the wallet, at most what it asked for. `left`: what left the payee, all of it. */
export type Resolution = { paid: bigint; left: bigint; ref: Ledger.ChainRef; note: string }

export type Request = {
  id: string
  /** What makes asking twice one withdrawal. */
  key: string
  /** Nonce of a signed request; null when a session asked. */
  nonce: Hex | null
  wallet: Address
  asset: Asset
  amount: bigint
  to: Address
  limits: Limits
  now: number
}

/** Base units. What was asked for after `since` counts, unless it failed. */
export type Limits = { perWallet: bigint; total: bigint; since: number; holdAbove: bigint }

export type RequestResult =
  | { outcome: 'fresh'; withdrawal: Withdrawal }
  /** Same key, same wallet, token, amount and recipient. */
  | { outcome: 'replayed'; withdrawal: Withdrawal }
  /** The key or the nonce was used for another one. */
  | { outcome: 'conflict' }
  | { outcome: 'insufficient'; available: bigint }
  /** `left`: what this wallet may still ask for now. */
  | { outcome: 'over-limit'; limit: 'wallet' | 'total'; left: bigint }

export type PayResult =
  | { outcome: 'paying'; withdrawal: Withdrawal }
  | { outcome: 'short'; available: bigint }
  | { outcome: 'taken' }
