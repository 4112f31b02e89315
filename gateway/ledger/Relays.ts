import type { Address } from 'viem'

/** Deposits whose gas we pay, counted so that nobody drains us of it. Survives a restart; what is too old is forgotten. */
export interface Relays {
  /** Counts one more, unless that would be too many. Atomic: a hundred at once get no more than there is room for. */
  take(request: Relays.Request): Promise<Relays.Result>
  /** It was never sent: it counts no more. */
  giveBack(id: number): Promise<void>
}

export declare namespace Relays {
  /** Which count is full. */
  type Scope = 'payer' | 'newcomers' | 'total'
  type Request = {
    payer: Address
    /** Most transactions since `since`. */
    limits: Record<Scope, number>
    /** Milliseconds since the epoch. */
    since: number
    now: number
  }
  type Result =
    | { outcome: 'granted'; id: number }
    /** `since`: when the transaction that fills it was counted. There is room again once that is too old. */
    | { outcome: 'spent'; scope: Scope; since: number }
}
