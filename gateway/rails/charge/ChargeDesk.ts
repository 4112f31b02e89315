import type { Ledger } from '../../ledger/Ledger.ts'
import type { Payment, StoredAnswer } from '../../ledger/Payment.ts'

/** What the request path asks of settlement about a single transfer. */
export type ChargeDesk = {
  /**
   * Says durably that the transfer is about to be sent, sends it, and judges it by its mined Transfer log. Books
   * nothing beyond the intent: the caller books `settled` with what it has delivered.
   */
  settle(payment: Payment, answer?: StoredAnswer): Promise<ChargeDesk.Outcome>
}

export declare namespace ChargeDesk {
  type Outcome =
    | { status: 'settled'; ref: Ledger.ChainRef }
    /** It cannot move: nothing was sent, or it was mined and moved nothing. */
    | { status: 'refused'; reason: string }
    /** It may have moved: asked again until known. */
    | { status: 'unknown'; reason: string }
}
