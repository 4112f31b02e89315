import type { Hex } from 'viem'

/** One point on which the books and the chain disagree. */
export type Difference = {
  kind: 'transfer' | 'channel' | 'treasury'
  /** Transaction hash, channel id, or asset. */
  subject: string
  /** One sentence that states both sides. */
  text: string
  /** Money came that nobody asked for: anybody can send it. */
  gift?: true
}

/**
 * What moved, to or from the payee, in one transaction of one token: `received` and `sent` by the chain, `booked` and
 * `paidOut` by the books. Base units.
 */
export type Movement = {
  transaction: Hex
  received: bigint
  sent: bigint
  booked: bigint
  paidOut: bigint
}

/** Compares one transaction. Money that arrives or leaves must be booked, all of it and once. Pure. */
export function ofMovement(asset: string, movement: Movement): Difference[] {
  const { transaction, received, sent, booked, paidOut } = movement
  const found: Difference[] = []
  const say = (text: string, more: { gift?: true } = {}) =>
    found.push({ kind: 'transfer', subject: transaction, text, ...more })
  if (booked !== received)
    say(
      received === 0n
        ? `Transaction ${transaction} moved nothing of ${asset} to the payee; the books have ${booked} of it.`
        : booked === 0n
          ? `Transaction ${transaction} moved ${received} of ${asset} to the payee; the books have nothing of it.`
          : `Transaction ${transaction} moved ${received} of ${asset} to the payee; the books have ${booked} of it.`,
      booked === 0n ? { gift: true } : {},
    )
  if (sent !== paidOut)
    say(
      paidOut === 0n
        ? `Transaction ${transaction} moved ${sent} of ${asset} away from the payee; the books know no payout.`
        : `Transaction ${transaction} moved ${sent} of ${asset} away from the payee; the books have paid ${paidOut} out by it.`,
    )
  return found
}

/** A channel on one of the two sides. */
type Side = { deposit: bigint; settled: bigint; finalized: boolean }

/**
 * Compares one channel; null is a side that does not have it. Pure. One whose opening the chain took back for good, and the
 * books as well, has nothing left on either side.
 */
export function ofChannel(id: Hex, chain: Side | null, books: Side | null): Difference[] {
  const say = (text: string): Difference => ({ kind: 'channel', subject: id, text: `Channel ${id} ${text}` })
  const none = books === null || (books.deposit === 0n && books.settled === 0n)
  if (chain === null) return none ? [] : [say('is in the books; the escrow does not have it.')]
  if (books === null)
    return [say(`holds ${chain.deposit} in the escrow for the payee; the books do not have it.`)]
  const found: Difference[] = []
  for (const what of ['deposit', 'settled'] as const)
    if (chain[what] !== books[what])
      found.push(say(`has ${what} ${chain[what]} in the escrow and ${books[what]} in the books.`))
  if (chain.finalized !== books.finalized)
    found.push(say(`is ${state(chain)} in the escrow and ${state(books)} in the books.`))
  return found
}

/** Compares the treasury account with the entries that have a chain reference. Pure. */
export function ofTreasury(asset: string, entries: bigint, treasury: bigint): Difference[] {
  if (entries === treasury) return []
  const text = `The treasury of ${asset} says that ${treasury} arrived; its entries with a chain reference sum to ${entries}.`
  return [{ kind: 'treasury', subject: asset, text }]
}

const state = (side: Side) => (side.finalized ? 'closed' : 'open')
