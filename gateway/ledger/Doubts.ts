import type { Ledger } from './Ledger.ts'
import type { Payment } from './Payment.ts'

/**
 * Charges whose caller was left without an answer while their money may have moved. A stock client cannot send a credential
 * again: its app calls again, and it signs anew. The same wallet that buys the very same call is then served by the payment
 * it has made. A call that was answered is in nobody's doubt, so it is bought again as often as one likes.
 *
 * `Ledger.unknown` tells of what was not delivered by itself. Only payments that were claimed are in it, each once.
 */
export interface Doubts {
  /**
   * The caller of this charge was left without an answer. Telling it twice changes nothing; a top-up is never lost. What cannot
   * be written is found all the same by this process: it is written before anything is looked for.
   */
  add(paymentId: string, told?: Doubts.Told): Promise<void>
  /** What serves this credential: the payment it has taken, else the oldest free one of this wallet for this very call. */
  find(call: Doubts.Call): Promise<Doubts.Found | null>
  /** The later credential with this key is answered by the payment from now on. False when another one has it. */
  take(paymentId: string, key: string): Promise<boolean>
  /** Claims a call from the wallet's balance, and takes the payment whose credit is there for it, in one step. */
  claim(paymentId: string, request: Doubts.ClaimRequest): Promise<Doubts.ClaimResult>
  /** Nothing is left of it to take. What is taken stays. */
  forget(paymentId: string): Promise<void>
  /** Forgets what was told before the given time, of payments that had ended by then. Returns how many. */
  forgetOld(before: number): Promise<number>
}

export declare namespace Doubts {
  /** `unlessEnded`: a charge that is delivered, failed or void by the time this is written is in nobody's doubt. */
  type Told = { unlessEnded?: boolean }
  /** `key` is that of the later credential. */
  type Call = Pick<Payment, 'wallet' | 'fingerprint' | 'key'>
  /** `taken`: by this very credential, before. */
  type Found = { payment: Payment; taken: boolean }
  type ClaimRequest = Omit<Ledger.ClaimRequest, 'from' | 'budget'>
  /** `taken`: another credential has it; nothing is claimed. */
  type ClaimResult = Ledger.ClaimResult | { outcome: 'taken' }
}
