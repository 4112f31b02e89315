import type { Address, Hex, Log } from 'viem'
import type { Ledger } from '../ledger/Ledger.ts'
import type * as Authorization from '../protocol/Authorization.ts'
import type * as Voucher from '../protocol/Voucher.ts'
import type { WithdrawalRequest } from '../protocol/WithdrawalRequest.ts'
import type { Broadcast } from './broadcast.ts'
import type * as EscrowCalls from './EscrowCalls.ts'
import type * as TokenCalls from './TokenCalls.ts'

/**
 * The chain as the gateway sees it: reads, signature checks, and one way to send. Every method may fail with
 * {@link ChainUnavailableError}: the node did not answer, which says nothing about what is true. Addresses come out in
 * lower case.
 */
export interface Chain {
  readonly id: number
  readonly escrow: Address
  /** The account that is paid, that settles, and that relays what payers signed. */
  readonly payee: Address
  /** Blocks that make every transaction count, its own included: 1 is "mined". */
  readonly confirmations: number
  /** Blocks that make a transaction count which moves this much: no more than `confirmations`. Base units. */
  depth(token: Address, amount: bigint): number

  /**
   * Checks that this is the chain we were configured for and that the escrow can be relied on.
   * @throws {ChainMismatchError} with the fix. The gateway must not start.
   */
  assertReady(): Promise<void>
  /**
   * Takes up what a dead process left: broadcasts the very same transactions of open intents again, in the order of
   * their nonces, records those whose end is known already, and fills the gaps that are left between them. Call it once,
   * before the first `submit`.
   */
  recover(): Promise<void>
  /**
   * Keeps what was sent moving; call it every few seconds. A transaction that waits for its fee is signed again for a
   * higher one, a nonce that nobody takes and others wait for is taken, and nodes and gas are looked after. For one process
   * among those that send from a key.
   */
  tend(): Promise<void>
  /** Looks after nodes and gas alone, now and then: for a process that only sends. */
  look(): Promise<void>

  /** True when `signer` signed this voucher: an account by recovery (low-s only), a contract by ERC-1271. */
  verifyVoucher(voucher: Voucher.Voucher, signature: Hex, signer: Address): Promise<boolean>
  /** True when `message.from` signed this EIP-3009 transfer. */
  verifyAuthorization(
    kind: 'transfer' | 'receive',
    domain: Authorization.TokenDomain,
    message: Authorization.Authorization,
    signature: Hex,
  ): Promise<boolean>
  /** True when `request.wallet` signed this withdrawal. */
  verifyWithdrawal(request: WithdrawalRequest, signature: Hex): Promise<boolean>
  /** True when `address` signed this text (EIP-191, ERC-1271, ERC-6492). Never sends a transaction. */
  verifyMessage(address: Address, message: string, signature: Hex): Promise<boolean>

  /** True when there is code at an address now: its vouchers count only as long as the contract says so. */
  isContract(address: Address): Promise<boolean>
  /** Seconds between a payer's request to close and its withdrawal; fixed in the escrow. */
  graceSeconds(): Promise<number>

  /** The newest block. */
  head(): Promise<Chain.Block>
  /** A block by its number, or null when there is none yet. */
  block(number: bigint): Promise<Chain.Block | null>
  /** A channel as the escrow has it now, or as it had it at the end of a block; null when it does not exist. */
  channel(id: Hex, at?: bigint): Promise<Chain.EscrowChannel | null>
  /** How many transactions an account has sent that are mined, now or at the end of a block: its next nonce. */
  sent(account: Address, at?: bigint): Promise<number>
  /**
   * Resolves when a channel is as is said of it: at once where the amount is small, and where it is large when two nodes
   * show it.
   * @throws {ChainUnavailableError} they do not: nothing may be booked.
   */
  confirmChannel(
    id: Hex,
    token: Address,
    amount: bigint,
    shows: (found: Chain.EscrowChannel) => boolean,
  ): Promise<void>
  /**
   * The chain as a decision about this much may rest on it: where the amount is large every answer is one that two nodes
   * give alike, and {@link ChainUnavailableError} when they do not. Where it is small, as one node says.
   */
  evidence(token: Address, amount: bigint): Chain.Evidence
  /** Base units, now or at the end of a block. */
  balanceOf(token: Address, owner: Address, at?: bigint): Promise<bigint>
  /** Holding for a token gate: ERC-20 and ERC-721 count, ERC-1155 by id. */
  holding(
    gate: { standard: 'erc20' | 'erc721' | 'erc1155'; token: Address; id?: bigint },
    owner: Address,
  ): Promise<bigint>
  /**
   * True when this EIP-3009 nonce was used or cancelled, now or at the end of a block; null when the token does not say.
   */
  authorizationUsed(token: Address, from: Address, nonce: Hex, at?: bigint): Promise<boolean | null>
  /** The mined receipt of a transaction with its depth, or null. */
  receipt(hash: Hex): Promise<Chain.Mined | null>

  /** What the escrow said about channels of our payee (and every top-up) in these blocks, oldest first. */
  escrowEvents(range: Chain.Range): Promise<EscrowCalls.Event[]>
  /** Transfers of a token to or from our payee in these blocks, oldest first. */
  transfers(token: Address, range: Chain.Range): Promise<TokenCalls.Transfer[]>
  /**
   * How much less the payee's balance rose in a block than the token's Transfer logs of that block say; 0 or below for a
   * token that tells the truth. Null when it can't be told: the node has forgotten that state or does not answer, or gas
   * is paid in this very token.
   */
  shortfall(token: Address, block: bigint): Promise<bigint | null>
  /** Transaction in these blocks that used (or cancelled) this EIP-3009 nonce, or null. */
  authorizationUse(token: Address, from: Address, nonce: Hex, range: Chain.Range): Promise<Hex | null>

  /**
   * Sends a transaction: from the payee's key, or from one that relays. One at a time: the next nonce is taken, the transaction is signed, its
   * intent is recorded durably, and only then is it broadcast. Resolves when mined at the configured depth or when
   * `timeoutMs` is over. `rejected` means that it failed in simulation, or that no node would take it, and that nothing
   * of it can be mined. A failure to reach the node before anything was sent throws {@link ChainUnavailableError}.
   */
  submit(order: Chain.Order): Promise<Chain.Outcome>
  /** What an order of the payee would come to if it were sent now. Sends nothing. */
  simulate(order: Pick<Chain.Order, 'to' | 'data'>): Promise<Chain.Simulation>
  /** Broadcasts what was signed before, again: the very same bytes are one transaction. */
  broadcast(raw: Hex): Promise<Broadcast['result']>
  /** Asks once what became of an intent, and broadcasts the very same transaction again when no node knows it. */
  follow(intent: Ledger.Intent): Promise<Chain.Fate>
  /** Stops waiting: every `submit` under way resolves as `unknown`. */
  close(): void
}

export declare namespace Chain {
  /** Unix seconds. */
  type Block = { number: bigint; hash: Hex; timestamp: number }
  /** Both ends included. */
  type Range = { from: bigint; to: bigint }

  /** What a decision may rest on. */
  type Evidence = {
    /** Its answers are two nodes'. */
    isAgreed: boolean
  } & Pick<
    Chain,
    | 'head'
    | 'block'
    | 'channel'
    | 'sent'
    | 'balanceOf'
    | 'authorizationUsed'
    | 'authorizationUse'
    | 'receipt'
    | 'escrowEvents'
    | 'transfers'
    | 'shortfall'
  >

  type EscrowChannel = {
    payer: Address
    payee: Address
    token: Address
    /** Who signs vouchers, with the zero address already replaced by the payer. */
    signer: Address
    deposit: bigint
    settled: bigint
    /** Unix seconds; 0 when no close was requested. */
    closeRequestedAt: bigint
    finalized: boolean
  }

  type Mined = { hash: Hex; block: bigint; depth: number; status: 'succeeded' | 'reverted'; logs: Log[] }

  type Order = {
    kind: Ledger.IntentKind
    /** Payment id, withdrawal id or channel ids it is for. */
    subjects: string[]
    to: Address
    data: Hex
    timeoutMs?: number
    /** Blocks to wait for; those that make everything count when left out. */
    confirmations?: number
    /** Most gas that it may need; one that needs more is rejected unsent (`gas-above-limit`). */
    gasLimit?: number
  }

  type Simulation = { status: 'passes' } | { status: 'rejected'; reason: string }

  /**
   * `rejected` for the reason `under-way`: another transaction about the same is out, perhaps of another process.
   * `joined`: the outcome is that of such a transaction, which did the very same. Nothing was sent.
   */
  type Outcome = (
    | { status: 'succeeded'; mined: Mined }
    | { status: 'reverted'; mined: Mined; reason: string }
    | { status: 'rejected'; reason: string }
    | { status: 'unknown'; hash: Hex; reason: string }
  ) & { joined?: true }

  /** `pending`: not mined, or not deep enough. `dropped`: another transaction has its nonce for good. */
  type Fate =
    | { status: 'succeeded'; mined: Mined }
    | { status: 'reverted'; mined: Mined; reason: string }
    | { status: 'pending' }
    | { status: 'dropped'; reason: string }
}
