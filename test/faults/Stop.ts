import type { Address } from 'viem'
import type { Ledger } from '../../gateway/ledger/Ledger.ts'

/**
 * A place in the life of a call where the gateway is made to stand still, so that it can be killed exactly there: before
 * an operation of the books, or after its commit and before anybody hears of it.
 */
export type Stop = {
  /** What the test calls it. */
  name: string
  when: 'before' | 'after'
  /** `settling`, `intend`, `reorg.reversed`. */
  operation: string
  /** The operation must be about a payment, or a withdrawal, of this wallet. */
  wallet?: Address
  /** It must be about a transaction of this kind, whoever it is for. */
  kind?: Ledger.Intent['kind']
}

/** What the test tells the process, and what it is told. */
export type Message = { stops: Stop[] } | { reached: string } | { ready: true }
