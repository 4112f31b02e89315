import type { Address, Hex } from 'viem'
import type { Asset } from './Asset.ts'
import type { Channel } from './Channel.ts'
import type { Ledger } from './Ledger.ts'

/**
 * What the books rely on of the chain, and what is done when the chain takes it back. Every step is one operation, and
 * asking for it again changes nothing.
 */
export interface Reorg {
  /** What is still watched, oldest block first. */
  anchors(chainId: number, limit: number): Promise<Reorg.Anchor[]>
  /** Writes down what was seen of anchors. */
  seen(changes: readonly Reorg.Seen[]): Promise<void>
  /**
   * The movement is not on chain and cannot come by itself. Books counter-entries: what it had credited to a wallet is taken
   * from there as far as it is there, and what was spent or served becomes debt of the wallet. A settlement is only taken
   * back together with the one that takes its place. With `again`, the same money moved in another transaction: both are
   * booked in one step.
   */
  reversed(request: Reorg.Reversal): Promise<void>
  /**
   * What the escrow holds of a channel's deposit now. What is missing stops the channel. `gone`: it cannot come by itself, so
   * what was spent above it becomes debt of the payer. Once it is there again, so is the channel.
   */
  depositNow(request: Reorg.Deposit): Promise<Channel>
  /** What wallets owe, in base units. */
  debts(wallet?: Address): Promise<Reorg.Debt[]>
  /** Pays a wallet's debt from its credit, as far as it goes. Returns what is still owed. */
  collect(wallet: Address, asset: Asset): Promise<bigint>
}

export declare namespace Reorg {
  /**
   * | State | Means |
   * |---|---|
   * | `standing` | the chain has it in this block, when last looked |
   * | `missing` | the chain does not have it now; it may come by itself, or is being sent again |
   * | `reversed` | taken back in the books; it may still come |
   * | `final` | so deep that it stays, or replaced |
   */
  type State = 'standing' | 'missing' | 'reversed' | 'final'
  type Kind = 'charge' | 'settle' | 'deposit' | 'withdrawal'
  type Anchor = {
    id: number
    kind: Kind
    /** Payment, channel or withdrawal. */
    subject: string
    asset: Asset
    /** Base units: what moved; of a deposit, what the channel held after it. */
    amount: bigint
    ref: Ledger.ChainRef & { blockHash: Hex }
    state: State
    reason: string | null
  }
  type Seen = {
    id: number
    state: State
    reason?: string
    /** Where it stands now. */
    place?: { block: bigint; blockHash: Hex; logIndex: number }
  }
  type Reversal = { anchor: number; reason: string; again?: Ledger.ChainRef }
  type Deposit = { channel: Hex; onChain: bigint; gone: boolean }
  type Debt = { wallet: Address; asset: Asset; owed: bigint }
}
