import type { Hex } from 'viem'
import type { Chain } from '../chain/Chain.ts'
import type { Report } from '../chain/Report.ts'
import type { Clock } from '../clock.ts'
import type { Ledger } from '../ledger/Ledger.ts'
import type { Reorg } from '../ledger/Reorg.ts'
import type { ChannelBook } from './channel-book.ts'
import type { ChargeDesk } from './charge-desk.ts'
import type { Shown } from './reorg-judge.ts'

/** What the parts of the reorganisation guard share. */
export type ReorgContext = {
  ledger: Ledger
  chain: Chain
  book: ChannelBook
  desk: ChargeDesk
  clock: Clock
  fromBlock: bigint
  /** Blocks after which what was booked is taken to stay. */
  horizon: number
  /** Brings a channel to the chain now. Returns at once. */
  settleFirst: (channel: Hex) => void
  /** Closes a channel as its client asked. */
  close: (channel: Hex) => Promise<unknown>
  report: Report
}

/** Refusals that say something about us and nothing about what was to be moved: tried again. */
export const ours =
  /^(insufficient-gas-funds|fee-too-low|gas-limit|invalid-transaction|nonce-|no-node|under-way)/

/** Where a movement is seen: the logs of its transaction decide. */
export function shownBy(mined: Chain.Mined | null, log: Place | null, depth: number): Shown {
  if (mined === null || log === null) return 'nowhere'
  return mined.depth >= depth ? 'deep' : 'shallow'
}

/** Where a log stands, as an anchor keeps it. */
export type Place = { block: bigint; blockHash?: Hex; logIndex: number }

/** The place of a log, when its block is known by its hash. */
export function placeOf(place: Place | null): Pick<Reorg.Seen, 'place'> {
  if (place?.blockHash === undefined) return {}
  const { block, blockHash, logIndex } = place
  return { place: { block, blockHash, logIndex } }
}

/** Where a log stands, as the ledger refers to it. */
export function refOf(
  { id: chainId }: Pick<Chain, 'id'>,
  { transaction, logIndex, block, blockHash }: Place & { transaction: Hex },
): Ledger.ChainRef {
  return { chainId, transaction, logIndex, block, ...(blockHash === undefined ? {} : { blockHash }) }
}

/** Everything of ours that was ever signed for a transaction, by its hash: any of it may be broadcast again. */
export async function signedFor(
  { ledger }: Pick<ReorgContext, 'ledger'>,
  anchor: Reorg.Anchor,
): Promise<{ intent: Ledger.Intent; raw: Hex } | null> {
  for (const intent of await ledger.intentsFor(anchor.subject)) {
    const attempts = await ledger.attempts(intent.id)
    const own = [{ raw: intent.raw, hash: intent.hash }, ...attempts]
    const found = own.find(({ hash }) => hash.toLowerCase() === anchor.ref.transaction)
    if (found !== undefined) return { intent, raw: found.raw }
  }
  return null
}

/** True when a transaction about this is out: what comes of it is waited for before another one is made. */
export async function isUnderWay(
  { ledger }: Pick<ReorgContext, 'ledger'>,
  subject: string,
): Promise<boolean> {
  return (await ledger.intentsFor(subject)).some(({ state }) => state === 'intended' || state === 'sent')
}

/** True when the very same transaction may still be mined: a node has it, or may have. */
export async function sentAgain({ chain }: Pick<ReorgContext, 'chain'>, raw: Hex): Promise<boolean> {
  const result = await chain.broadcast(raw)
  return result === 'accepted' || result === 'unclear'
}
