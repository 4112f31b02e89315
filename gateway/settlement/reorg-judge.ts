import type { Reorg } from '../ledger/Reorg.ts'
import type { ChargeFate } from './charge-fate.ts'

/**
 * What to do about something that was booked and that the chain no longer has where it was.
 *
 * | Verdict | Does |
 * |---|---|
 * | `stands` | writes down where it is now; what was taken back is given again |
 * | `wait` | nothing: it is on its way, or nobody can tell yet |
 * | `resend` | broadcasts the very same transaction, else makes the same movement in a new one |
 * | `replace` | the same money moved in another transaction: books that one in its place |
 * | `reverse` | takes it back in the books |
 */
export type ReorgVerdict = 'stands' | 'wait' | 'resend' | 'replace' | 'reverse'

/** Where the movement is seen: in its transaction, `deep` enough to count or not; or nowhere. */
export type Shown = 'deep' | 'shallow' | 'nowhere'

/** A signed transfer: anybody may send it while it is valid and its payer has the tokens. Pure. */
export function judgeCharge(
  shown: Shown,
  fate: ChargeFate['status'] | null,
  affordable: boolean,
): ReorgVerdict {
  if (shown === 'deep') return 'stands'
  if (shown === 'shallow') return 'wait'
  if (fate === 'executed') return 'replace'
  if (fate === 'impossible') return 'reverse'
  if (fate === 'possible') return affordable ? 'resend' : 'reverse'
  return 'wait'
}

/**
 * A deposit: what the escrow holds at depth decides, whichever transaction brought it. One that we relayed can be sent
 * again; one that the payer sent is the payer's to send. Pure.
 */
export function judgeDeposit(
  shown: Shown,
  deposit: { booked: bigint; onChain: bigint },
  relayed: boolean,
): ReorgVerdict {
  if (deposit.onChain >= deposit.booked) return shown === 'deep' ? 'stands' : 'replace'
  if (shown !== 'nowhere') return 'wait'
  return relayed ? 'resend' : 'reverse'
}

/** A settlement: its voucher is as good as before, so it is only ever made again. Pure. */
export function judgeSettlement(shown: Shown, settled: { booked: bigint; onChain: bigint }): ReorgVerdict {
  if (shown === 'deep') return 'stands'
  if (shown === 'shallow') return 'wait'
  return settled.onChain >= settled.booked ? 'replace' : 'resend'
}

/** Whether an anchor is looked at at all: its block is still the one it was, or not. Pure. */
export function judgeAnchor(
  anchor: Pick<Reorg.Anchor, 'state' | 'ref'>,
  chain: { head: bigint; hash: string | null },
  horizon: number,
): 'final' | 'unchanged' | 'behind' | 'look' {
  // A node that has not come that far says nothing about what is there.
  if (chain.head < anchor.ref.block) return anchor.state === 'standing' ? 'behind' : 'look'
  if (chain.hash !== anchor.ref.blockHash || anchor.state !== 'standing') return 'look'
  return chain.head - anchor.ref.block + 1n >= BigInt(horizon) ? 'final' : 'unchanged'
}
