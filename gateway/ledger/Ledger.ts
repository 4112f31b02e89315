import type { Address, Hex } from 'viem'
import type { Account } from './Account.ts'
import type { Asset } from './Asset.ts'
import type { Channel } from './Channel.ts'
import type { Doubts } from './Doubts.ts'
import type { Instances } from './Instances.ts'
import type { Delivered, Payment, StoredAnswer } from './Payment.ts'
import type { Relays } from './Relays.ts'
import type { Reorg } from './Reorg.ts'
import type { Trail } from './Trail.ts'
import type { Withdrawals } from './Withdrawal.ts'

/**
 * The books. Double entry with two-phase holds. Every method that writes is ONE atomic operation, is durable when its
 * promise resolves, and names its outcome; operations that arrive in the same turn of the event loop share one commit
 * (group commit), and one that fails does not fail its neighbours.
 *
 * Laws, checked by `audit`:
 *  1. Every asset sums to zero over all accounts.
 *  2. No wallet, prepaid, revenue or hold account goes below zero.
 *  3. For every channel: settled ≤ spent ≤ accepted ≤ deposit, each only growing, unless a reorganisation takes it back.
 *  4. Every on-chain transfer maps to one entry and back (the ledger's half: each chain reference is used once; the
 *     other half is `settlement/reconcile`).
 *  5. A payment key has at most one delivered call.
 */
export interface Ledger {
  // ── payments ──────────────────────────────────────────────────────────────────────────────────────────────────
  /** Claims a payment key and reserves the amount, in one step. For a channel it also accepts the voucher. */
  claim(request: Ledger.ClaimRequest): Promise<Ledger.ClaimResult>
  /**
   * Charges a hold of the channel or balance rail: `amount` ≤ held is booked, the rest released. With `answer`, or
   * with `complete`, the delivery is `delivered`; otherwise `delivering`, to be finished by `complete` or `refund`.
   */
  capture(request: Ledger.CaptureRequest): Promise<Payment>
  /**
   * Marks a `delivering` payment as delivered whole. On the charge rail also one whose money has not moved yet (order
   * `after`): once delivered it can be `settled` or `lost`, no longer void. `delivered` says how far a stream got.
   */
  complete(paymentId: string, delivered?: Delivered): Promise<Payment>
  /**
   * Releases a hold in full: nothing was delivered, nothing is charged, and the same credential may claim again (the
   * payment keeps its id). A charge: only when nothing was sent, or the chain says that it never will be mined.
   */
  void(paymentId: string, reason: string): Promise<Payment>
  /**
   * Gives a `delivering` payment back in full (stream broke), with a counter-entry `earns` → the payer's wallet. Also on
   * the channel rail: `spent` only grows (law 3), so it comes back as credit. Money `captured` → `refunded`, and
   * `settled` → `credited`. With an `amount` below what was charged, the rest stays charged and the payment is
   * `delivered`: as far as `delivered` says.
   */
  refund(paymentId: string, reason: string, part?: Ledger.RefundPart): Promise<Payment>
  /** Charge: says durably that a transaction for it is about to be sent. Money `held` or `unknown` → `settling`. */
  settling(request: Ledger.SettlingRequest): Promise<Payment>
  /**
   * Charge: the chain did not answer in time. `settling` → `unknown`; from here on it has no owner, and what was not delivered
   * is in doubt.
   */
  unknown(paymentId: string, reason: string): Promise<Payment>
  /**
   * Charge: the transfer is on chain. Books treasury → `earns` (delivered, or deliverable) or → the payer's wallet
   * (`deliver: 'credit'`: money moved and nothing was delivered, so it is made good in the same transaction).
   * Idempotent by chain reference. A `lost` payment is recovered by it (treasury → loss); a `void` one can only be
   * credited. What was delivered stays delivered.
   */
  settled(request: Ledger.SettledRequest): Promise<Payment>
  /** Charge, order `after`: delivered and uncollectable. Books loss → `earns`; `charged` stays 0. */
  lost(paymentId: string, reason: string): Promise<Payment>
  /** A transaction may have settled several payments: with `wallet`, that wallet's. */
  payment(
    by: { id: string } | { key: string } | { transaction: Hex; wallet?: Address },
  ): Promise<Payment | null>
  /** Base units of a payment that became credit of the payer's wallet. */
  credited(paymentId: string): Promise<bigint>
  answer(paymentId: string): Promise<StoredAnswer | null>
  /** Keeps an answer beside a payment whose money is not settled yet. */
  storeAnswer(paymentId: string, answer: StoredAnswer): Promise<void>
  /** Removes answers stored before the given time, of payments that have ended. Returns how many. */
  forgetAnswers(before: number): Promise<number>
  /** Removes the oldest answers of payments that have ended, until no more than so many bytes are stored. Returns how many. */
  forgetAnswersAbove(bytes: number): Promise<number>
  /**
   * Moves some of what ended before a time (ms) into the history, where it takes a sixth of the room and slows no call.
   * Payments stay known by their ids and keys. Returns whether it is worth asking again at once.
   */
  rollUp(before: number): Promise<boolean>
  /**
   * Payments that have not ended: delivery `held` or `delivering`, or money `held`, `settling` or `unknown`.
   * Oldest first.
   */
  openPayments(limit: number): Promise<Payment[]>
  /** Of these, those that no living instance works on: owned by none, or by one that is not registered any more. */
  orphans(limit: number): Promise<Payment[]>

  // ── channels ──────────────────────────────────────────────────────────────────────────────────────────────────
  /** Records a channel seen on chain, or raises its deposit; never lowers anything. Idempotent. */
  channelSeen(seen: Ledger.ChannelSeen): Promise<Channel>
  /** Accepts a voucher without spending it (open, `HEAD`, signed ahead). */
  acceptVoucher(request: Ledger.VoucherRequest): Promise<Ledger.VoucherResult>
  /**
   * Begins the close that a channel's client asked us for: from here on it takes no call, so what is spent is final, and the
   * voucher that its payer calls the last one is kept: `settleable` (`final`) is never above it, whichever process closes.
   */
  beginClose(request: Ledger.BeginClose): Promise<Ledger.BeginCloseResult>
  /** Follows the chain: request to close seen (Unix seconds) or cancelled (null; not while a `close` intent is out). */
  closeRequested(id: Hex, at: number | null): Promise<Channel>
  /**
   * Follows the chain: `cumulative` is settled. Books treasury → channel for the difference. What exceeds `spent`
   * (a final voucher above what was used) becomes credit of the payer's wallet first; calls in flight keep what they
   * hold. Idempotent by chain reference; a cumulative amount that is not above `settled` books nothing.
   */
  channelSettled(request: Ledger.ChannelSettled): Promise<Channel>
  /**
   * Follows the chain: closed for good. Books away what it will never pay: unspent value went back to the payer
   * (prepaid → channel), spent and unsettled value is lost (loss → channel). The counters stay. With `ref` it is watched
   * that the chain does not take it back.
   */
  channelFinalized(id: Hex, ref?: Ledger.ChainRef): Promise<Channel>
  /** Takes no more vouchers on it, until `acceptRestored`. The first reason stays. */
  suspendChannel(id: Hex, reason: string): Promise<Channel>
  /**
   * An operator accepts what the chain knows of a suspended channel: books the settlements that the books have lost as
   * earned, oldest first, and takes vouchers again.
   */
  acceptRestored(request: Ledger.AcceptRestored): Promise<Channel>
  channel(id: Hex): Promise<Channel | null>
  channels(filter: Ledger.ChannelFilter): Promise<Channel[]>
  /** Every open channel of one escrow, oldest first. Looks at all that are open, a page at a time: calls go on in between. */
  openChannels(escrow: Ledger.Escrow): Promise<Channel[]>
  /** Channels of one escrow, open or not, as the books came to know them: some of those behind a place, and the next place. */
  channelsOf(escrow: Ledger.Escrow, after?: number): Promise<{ channels: Channel[]; next: number | null }>
  /**
   * Open channels that may be due: their oldest unsettled value is as old as `before` (ms) or older, at least `least` base units
   * are unsettled (about: they are compared as floating point), or their payer asked to close. A page at a time: calls go on in
   * between. Only for `least` everything that is unsettled is looked at; with null nothing is due by value.
   */
  dueChannels(asked: { before: number; least: bigint | null }): Promise<Channel[]>
  /**
   * Best voucher to settle with: the highest one that is ≤ spent, or (`final`) the lowest one that is ≥ spent, else the
   * highest. It may be no more than what is settled: compare before sending.
   */
  settleable(id: Hex, options?: { final?: boolean }): Promise<Channel['voucher']>

  // ── withdrawals ───────────────────────────────────────────────────────────────────────────────────────────────
  readonly withdrawals: Withdrawals

  // ── accounts ──────────────────────────────────────────────────────────────────────────────────────────────────
  /** Base units: `posted` is credits − debits; `available` is what is left after holds. */
  balance(account: Account, asset: Asset): Promise<{ posted: bigint; available: bigint }>
  balances(filter?: { prefix?: string }): Promise<{ account: Account; asset: Asset; posted: bigint }[]>

  /** Gateway processes on these books. */
  readonly instances: Instances
  /** What the books rely on of the chain, and what is done when the chain takes it back. */
  readonly reorg: Reorg
  /** Deposits whose gas we pay, counted. */
  readonly relays: Relays
  /** Charges whose caller was left without an answer. */
  readonly doubts: Doubts
  /** Base units that are spent or reserved on all channels of an asset and not on chain. */
  unsettled(asset: Asset): Promise<bigint>

  // ── chain bookkeeping ─────────────────────────────────────────────────────────────────────────────────────────
  /**
   * Written before a transaction is sent: what it is for, from which key, with which nonce. Several processes may send from
   * one key: a nonce is written once, and what is under way is not begun again (`sqlite/chain/guard-intent.ts`).
   * @throws {NonceTakenError | IntentUnderWayError | CloseNotAskedError}
   */
  intend(intent: Ledger.NewIntent): Promise<Ledger.Intent>
  /**
   * Written before a transaction is replaced: the same nonce and call, signed for a higher fee. Only while the intent has
   * not ended.
   */
  replaceIntent(id: string, attempt: Ledger.Attempt): Promise<Ledger.Intent>
  /** Everything that was signed for an intent, oldest first; any of them may be mined. */
  attempts(intentId: string): Promise<Ledger.Attempt[]>
  /** Follows an intent: sent, or how it ended. `sent` after it was mined changes nothing. */
  updateIntent(id: string, change: Ledger.IntentChange): Promise<Ledger.Intent>
  /** Intents that have not ended, oldest first. */
  openIntents(): Promise<Ledger.Intent[]>
  /** The intent that one of its signings is, by its hash; null when it is none of ours. */
  intentBy(hash: Hex): Promise<Ledger.Intent | null>
  /** Every intent about a subject (channel id or payment id), oldest first. */
  intentsFor(subject: string): Promise<Ledger.Intent[]>
  /** Intents from this key that were mined, with this nonce or a higher one, lowest first. */
  minedIntents(chainId: number, from: Address, nonce: number): Promise<Ledger.Intent[]>
  /** Highest nonce of any intent from this key; null when there is none. */
  lastNonce(chainId: number, from: Address): Promise<number | null>
  /** Next block the watcher must read; null before the first time. */
  cursor(chainId: number): Promise<bigint | null>
  /**
   * Where the watcher goes on. With `read` only when the cursor is still where it was read from, and by which block it will
   * know whether the chain is still that one. Going back forgets what was read from there on.
   */
  setCursor(chainId: number, block: bigint, read?: Reorg.ReadTo): Promise<void>
  /** Booked movements that have a chain reference, by transaction and log: a thousand at most, the first ones behind a place. */
  chainEntries(chainId: number, after?: Ledger.ChainPlace): Promise<Ledger.ChainEntry[]>

  // ── sign-in ───────────────────────────────────────────────────────────────────────────────────────────────────
  /** Remembers a sign-in nonce until it expires. */
  createNonce(nonce: string, expiresAt: number): Promise<void>
  /** Uses a nonce up. False when unknown, expired or used before. */
  useNonce(nonce: string, now: number): Promise<boolean>
  createSession(session: Ledger.Session): Promise<void>
  session(tokenHash: string, now: number): Promise<Ledger.Session | null>
  endSession(tokenHash: string): Promise<void>

  // ── the books as a whole ──────────────────────────────────────────────────────────────────────────────────────
  /** Says something in the trail that moved no money. */
  note(note: Trail.Note): Promise<void>
  /** What was noted of one kind, newest first; one by default. */
  notes(kind: Trail.NoteKind, limit?: number): Promise<Trail.NoteRead[]>
  /** Checks the laws and the trail on a snapshot. Writes nothing. */
  audit(options?: { anchor?: Trail.Anchor }): Promise<Ledger.Audit>
  close(): Promise<void>
}

export declare namespace Ledger {
  /** Where a movement stands on chain. Unique: it can be booked once. */
  type ChainRef = {
    chainId: number
    transaction: Hex
    logIndex: number
    block: bigint
    /** Without it a reorganisation is not noticed. */
    blockHash?: Hex
  }
  type ChainPlace = Pick<ChainRef, 'transaction' | 'logIndex'>

  type ClaimRequest = {
    id: string
    key: string
    fingerprint: string
    dialect: Payment['dialect']
    wallet: Address
    route: string
    asset: Asset
    /** Base units: the most this call may cost. May be 0. */
    amount: bigint
    earns: Account
    /** Order `after` is wanted: the payment is `atRisk` when this budget allows one more. */
    budget?: LossBudget
    now: number
    from:
      | { rail: 'charge'; settlement: string }
      | {
          rail: 'channel'
          channelId: Hex
          cumulative: bigint
          signature: Hex
          minDelta: bigint
          /**
           * True when the key is a voucher's and not the caller's own Idempotency-Key: if the voucher still authorises
           * enough unspent value, the claim is a new call under key `<key>#<n>` and not a replay.
           */
          reusable: boolean
          /** Most that may be unsettled with this call; no cap when left out. */
          caps?: Caps
        }
      | { rail: 'balance' }
  }

  /** Base units: most that may be spent or reserved and not on chain, on this channel and on all of its asset. */
  type Caps = { channel: bigint; total: bigint }

  type ClaimResult =
    | { outcome: 'fresh'; payment: Payment; channel: Channel | null }
    /** Same key, same fingerprint and wallet, and the payment is not void. */
    | { outcome: 'replayed'; payment: Payment; channel: Channel | null }
    /** Same key, other fingerprint or wallet. Never for a reusable key: a voucher is not bound to one call. */
    | { outcome: 'conflict'; payment: Payment }
    /** Not enough: base units available and needed. For a channel, `channel` says what voucher would be enough. */
    | { outcome: 'insufficient'; available: bigint; needed: bigint; channel: Channel | null }
    /** The wallet owes for what it was given, since the chain took its payment back. Only a top-up may go on. */
    | { outcome: 'in-debt'; owed: Reorg.Debt[] }
    /** Too much would be unsettled: what is, and the cap. Settle first. */
    | { outcome: 'exposed'; scope: 'channel' | 'total'; unsettled: bigint; cap: bigint; channel: Channel }
    | VoucherRefusal

  type VoucherRefusal =
    | { outcome: 'channel-not-found' }
    | { outcome: 'channel-finalized'; channel: Channel }
    | { outcome: 'channel-suspended'; channel: Channel }
    | { outcome: 'deposit-missing'; channel: Channel }
    | { outcome: 'close-requested'; channel: Channel }
    | { outcome: 'amount-exceeds-deposit'; channel: Channel }
    | { outcome: 'delta-too-small'; channel: Channel }

  /**
   * Base units. At risk is what was released and is not settled, and what was lost after `since`; of this payer, and of
   * all.
   */
  type LossBudget = { perPayer: bigint; total: bigint; since: number }
  type RefundPart = { amount?: bigint; delivered?: Delivered }
  type CaptureRequest = { paymentId: string; amount: bigint; answer?: StoredAnswer; complete?: boolean }
  type SettlingRequest = { paymentId: string; answer?: StoredAnswer }
  type SettledRequest = {
    paymentId: string
    ref: ChainRef
    /** Base units that moved, where it is less than was reserved (`upto`); the reserved amount by default. */
    amount?: bigint
    /** `delivered`: earned. `delivering`: earned, answer on its way. `credit`: made good. */
    deliver: 'delivered' | 'delivering' | 'credit'
    answer?: StoredAnswer
    reason?: string
  }

  type VoucherRequest = { channelId: Hex; cumulative: bigint; signature: Hex; minDelta: bigint; now: number }
  type VoucherResult =
    /** `accepted`: raised. `replayed`: not above what was accepted; nothing changed. */
    { outcome: 'accepted'; channel: Channel } | { outcome: 'replayed'; channel: Channel } | VoucherRefusal

  type ChannelSeen = Pick<
    Channel,
    'id' | 'chainId' | 'escrow' | 'payer' | 'payee' | 'token' | 'asset' | 'signer' | 'deposit'
  > & {
    now: number
    /** The deposit, or the top-up that raised it to this. */
    ref?: ChainRef
  }
  /** `at` in Unix seconds. The voucher must have been verified. */
  type BeginClose = { id: Hex; at: number; voucher: Channel['voucher'] }
  type BeginCloseResult =
    | { outcome: 'begun'; channel: Channel }
    /** A call may still cost something: nothing changed. */
    | { outcome: 'calls-in-flight'; channel: Channel }
    /** The voucher does not cover what was spent: nothing changed. */
    | { outcome: 'below-spent'; channel: Channel }
  type ChannelSettled = { id: Hex; cumulative: bigint; ref: ChainRef; now: number }
  type AcceptRestored = {
    id: Hex
    /** Every settlement of it that the chain shows, oldest first; those that are booked change nothing. */
    settlements: readonly { cumulative: bigint; ref: ChainRef }[]
    /** The chain shows it closed. */
    finalized: boolean
    now: number
  }
  type Escrow = { chainId: number; escrow: Address }
  type ChannelFilter = {
    payer?: Address
    finalized?: boolean
    /** Only channels with spent > settled. */
    unsettled?: boolean
    /** Only channels whose payer asked to close, and that are open. */
    closing?: boolean
    limit?: number
  }

  /** A `repair` moves nothing: it takes a nonce that nobody else takes. */
  type IntentKind = 'charge' | 'open' | 'top-up' | 'settle' | 'close' | 'withdrawal' | 'repair'
  type NewIntent = {
    id: string
    chainId: number
    kind: IntentKind
    /** Payment id, withdrawal id or channel ids this is for. */
    subjects: string[]
    from: Address
    nonce: number
    /**
     * The signed transaction, so that a restart can broadcast the very same one again: that is idempotent. Of several
     * attempts the newest, and the mined one once that is known.
     */
    raw: Hex
    /** Its hash, known before it is sent. */
    hash: Hex
    now: number
  }
  type Intent = NewIntent & {
    /** `intended`: maybe sent. `sent`: accepted by a node. Then mined for good, or known never to be. */
    state: 'intended' | 'sent' | 'succeeded' | 'reverted' | 'dropped'
    reason: string | null
    updatedAt: number
  }
  /** `hash`: which attempt was mined; from then on the intent shows that one. */
  type IntentChange = { state: Intent['state']; reason?: string; hash?: Hex; now: number }
  /** One signing of an intent. `at` in milliseconds since the epoch. */
  type Attempt = { raw: Hex; hash: Hex; at: number }

  type ChainEntry = {
    ref: ChainRef
    asset: Asset
    amount: bigint
    /** A `withdrawal` leaves the payee; the others reach it. */
    kind: 'charge' | 'settle' | 'withdrawal'
    subject: string
  }

  type Session = { tokenHash: string; wallet: Address; chainId: number; createdAt: number; expiresAt: number }

  type Law = { law: 1 | 2 | 3 | 4 | 5; title: string; holds: boolean; violations: string[] }
  type Audit = {
    balanced: boolean
    laws: Law[]
    trail: Trail.Audit
    payments: number
    channels: number
    transfers: number
    /** Groups of operations that are durable and not in the tables yet, so not in this audit. */
    waiting: number
  }
}
