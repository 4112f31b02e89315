import type { Hex } from 'viem'
import type { Claims } from '../../gateway/protocol/SignedReceipt.ts'
import type { SoldRoute } from './simulated-config.ts'

/**
 * One call as its caller remembers it, from nothing but what it signed and what it was answered.
 *
 * | Outcome | The caller was told |
 * |---|---|
 * | `open` | nothing yet, or to ask again |
 * | `answered` | the whole answer |
 * | `claimed` | that it was delivered, and is not kept |
 * | `credited` | that it failed after it was paid, and the money is credit |
 * | `refused` | that the payment does not buy it |
 * | `failed` | that it failed, and costs nothing |
 */
export type Call = {
  /** The caller's own name for it, which the upstream sees. */
  id: string
  kind: 'call' | 'top-up'
  rail: 'charge' | 'channel' | 'balance'
  route: SoldRoute | null
  settle: SoldRoute['settle']
  price: bigint
  /** The payment key that the books must know it by. */
  key: string
  method: string
  path: string
  body: string | null
  headers: Record<string, string>
  /** EIP-3009 nonce of what was signed for it. */
  nonce: Hex | null
  channelId: Hex | null
  outcome: 'open' | 'answered' | 'claimed' | 'credited' | 'refused' | 'failed'
  /** Every whole answer, and how many broke off. */
  answers: string[]
  broken: number
  lost: number
  receipts: Claims[]
  presented: number
}

/** Is there anything left to learn? */
export const isOpen = ({ outcome }: Call) => outcome === 'open'

/** Has the caller been told that its money bought something, or lies as credit? */
export const isAcknowledged = ({ outcome }: Call) =>
  outcome === 'answered' || outcome === 'claimed' || outcome === 'credited'
