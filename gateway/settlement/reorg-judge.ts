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
 * | `follow` | books what the chain shows in place of what is gone |
 * | `reverse` | takes it back in the books |
 */
export type ReorgVerdict = 'stands' | 'wait' | 'resend' | 'replace' | 'follow' | 'reverse'

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

/**
 * The settlements of one channel, each of which says how much more than the one before: `otherwise` is deep, and settles
 * another amount than it did. The very same transactions are sent again only where they can do what they did: the channel is
 * open, and nobody has settled as much meanwhile. Pure.
 */
export function judgeSettlements(
  shown: readonly (Shown | 'otherwise')[],
  channel: { booked: bigint; settled: bigint; open: boolean },
): Exclude<ReorgVerdict, 'replace' | 'reverse'> {
  if (shown.includes('shallow')) return 'wait'
  if (shown.every((where) => where === 'deep')) return 'stands'
  return channel.open && channel.settled < channel.booked ? 'resend' : 'follow'
}

/** The end of a channel. Pure. */
export function judgeClose(shown: Shown, channel: { closed: boolean; ours: boolean }): ReorgVerdict {
  if (shown === 'deep') return 'stands'
  if (shown === 'shallow') return 'wait'
  if (channel.closed) return 'replace'
  return channel.ours ? 'resend' : 'reverse'
}

/** Whether an anchor is looked at at all: its block is still the one it was, or not. Pure. */
export function judgeAnchor(
  anchor: Pick<Reorg.Anchor, 'kind' | 'state' | 'ref'>,
  chain: { head: bigint; hash: string | null },
  horizon: number,
): 'final' | 'unchanged' | 'behind' | 'look' {
  const settledFor = chain.head - anchor.ref.block + 1n >= BigInt(horizon)
  // Followed already: what comes again is read again. Others come back only if they are looked after.
  const followed = anchor.state === 'reversed' && anchor.kind !== 'charge' && anchor.kind !== 'deposit'
  if (followed) return settledFor ? 'final' : 'unchanged'
  // A node that has not come that far says nothing about what is there.
  if (chain.head < anchor.ref.block) return anchor.state === 'standing' ? 'behind' : 'look'
  if (chain.hash !== anchor.ref.blockHash || anchor.state !== 'standing') return 'look'
  return settledFor ? 'final' : 'unchanged'
}
