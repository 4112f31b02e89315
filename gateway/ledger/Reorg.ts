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
   * from there as far as it is there, and what was spent or served becomes debt of the wallet. With `again`, the same money
   * moved in another transaction: both are booked in one step. For charges.
   */
  reversed(request: Reorg.Reversal): Promise<void>
  /**
   * Settlements of a channel are not where they were. The first that is gone, and every later one, is taken back, and those
   * that the chain shows are booked, in one step. What is left unsettled is settled as if it had never been.
   */
  resettled(request: Reorg.Resettlement): Promise<Channel>
  /** The close of a channel is gone: the channel is open again, and has what was booked away by it. Null: it was not watched. */
  reopened(request: Reorg.Reopening): Promise<Channel | null>
  /**
   * What the escrow holds of a channel's deposit now. What is missing stops the channel. `gone`: it cannot come by itself, so
   * what was spent above it becomes debt of the payer; where no voucher reaches above it, the channel goes on with what it
   * has. Once it is there again, so is the channel.
   */
  depositNow(request: Reorg.Deposit): Promise<Channel>
  /** What was read of the chain from this block on is read again. */
  readAgain(chainId: number, from: bigint): Promise<void>
  /** Blocks that the watcher has read up to, by their hashes, newest first: as far back as a reorganisation may reach. */
  readBlocks(chainId: number): Promise<Reorg.ReadBlock[]>
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
  type Kind = 'charge' | 'settle' | 'deposit' | 'close' | 'withdrawal'
  type Anchor = {
    id: number
    kind: Kind
    /** Payment, channel or withdrawal. */
    subject: string
    asset: Asset
    /** Base units: what moved; of a deposit or a close, what the channel held. */
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
  /**
   * `after`: the cursor from which it was read. `hash`: of the last block read. `needed`: what was read below this block
   * needs no more than one hash.
   */
  type ReadTo = { after: bigint | null; hash: Hex; needed: bigint }
  type ReadBlock = { block: bigint; hash: Hex }
  type Reversal = { anchor: number; reason: string; again?: Ledger.ChainRef }
  type Resettlement = {
    channel: Hex
    /** Anchors of settlements that are gone. */
    gone: readonly number[]
    reason: string
    /** Every settlement of it that the chain shows from this block on, in order. */
    now: readonly { cumulative: bigint; ref: Ledger.ChainRef }[]
    from: bigint
  }
  type Reopening = {
    anchor: number
    reason: string
    /** Unix seconds; null when nobody asks to close it. */
    closeRequestedAt: number | null
  }
  type Deposit = { channel: Hex; onChain: bigint; gone: boolean }
  type Debt = { wallet: Address; asset: Asset; owed: bigint }
}
