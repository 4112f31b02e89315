import type { Address, Hex } from 'viem'
import type { Chain } from '../chain/Chain.ts'
import { ChainUnavailableError } from '../chain/ChainUnavailableError.ts'
import type { Event } from '../chain/EscrowCalls.ts'
import { type Report, silent } from '../chain/Report.ts'
import type { Ledger } from '../ledger/Ledger.ts'
import type { ChannelBook } from './channel-book.ts'
import { createLateTransfers } from './late-transfers.ts'
import { readOn } from './read-on.ts'
import { split } from './reconcile.ts'
import { createTimer } from './timer.ts'

/** Follows the escrow: reads every block once it is deep enough, in order, and books what it says of our channels. */
export type Watcher = {
  /**
   * Reads on from the ledger's cursor to the newest block that counts; from further back when the chain below the cursor is
   * another one than was read. The cursor moves only after what was read is booked, so that a crash repeats and never
   * skips. A payer's request to close is acted on before it is deep: at depth it may be too late, and settling early harms
   * nobody.
   */
  poll(): Promise<Watcher.Summary>
  start(): void
  /** Stops polling, and waits for the poll under way. */
  stop(): Promise<void>
}

export declare namespace Watcher {
  /** `next`: first block not read yet. */
  type Summary = { next: bigint; booked: number; closeRequests: number }
}

export function createWatcher(options: createWatcher.Options): Watcher {
  const { ledger, chain, book, tokens, onCloseRequested, report = silent } = options
  const { fromBlock = 0n, maxRange = 1_000n, everyMs = 4_000 } = options
  const { horizon = chain.confirmations * 2 } = options
  /** Channels whose request to close was seen and is not deep: it may go away again. */
  const early = new Set<Hex>()
  const late = tokens === undefined ? null : createLateTransfers({ ledger, chain, tokens, report })
  /** Blocks read at once. Fewer after a failure: a node that hides a receipt now and then hides one of many nearly always. */
  let width = maxRange
  let begun = false
  /** First block that was never read by this process. */
  let furthest = 0n
  let polling: Promise<Watcher.Summary> | null = null

  async function poll(): Promise<Watcher.Summary> {
    const head = (await chain.head()).number
    const deep = head - BigInt(chain.confirmations) + 1n
    let after = await readOn({ ledger, chain, horizon, fromBlock, report })
    let next = after ?? fromBlock
    // What was asked to close in blocks that are gone is asked of the escrow.
    if (next < furthest) begun = false
    if (next > deep + 1n) report('warn', 'chain-behind', { next, head, confirmations: chain.confirmations })
    let booked = 0
    if (!begun) {
      // A dead process may have left marks that the escrow never confirmed.
      for (const { id } of await ledger.channels({ closing: true })) early.add(id)
      begun = true
    }
    const asked = new Set<Hex>()
    const failed: unknown[] = []
    while (next <= deep) {
      const to = next + width - 1n < deep ? next + width - 1n : deep
      // Its hash first: what is read after it is of this chain, or of one that will be found to be another.
      const last = await chain.block(to)
      const events = await chain.escrowEvents({ from: next, to })
      try {
        if (last === null) throw new ChainUnavailableError('eth_getBlockByNumber', new Error('no such block'))
        await book.applyEvents(events, { inOrder: true })
        await late?.book({ from: next, to })
      } catch (error) {
        // What cannot be booked yet is read again. A payer who asks to close meanwhile does not wait for it.
        failed.push(error)
        width = (to - next) / 2n + 1n
        break
      }
      for (const { name, channelId } of events) if (name === 'close-requested') asked.add(lower(channelId))
      next = to + 1n
      width = width * 2n < maxRange ? width * 2n : maxRange
      // Whoever stepped back meanwhile is not overruled: then the next poll begins there.
      await ledger.setCursor(chain.id, next, { after, hash: last.hash, needed: next - BigInt(horizon) })
      after = next
      if (next > furthest) furthest = next
      booked += events.length
    }
    const from = next <= deep ? next : deep + 1n
    for (const range of split({ from, to: head }, maxRange))
      for (const id of closeEvents(await chain.escrowEvents(range))) early.add(id)
    for (const id of early) {
      const channel = await book.syncClose(id)
      if (channel !== null && channel.closeRequestedAt !== null && !channel.finalized) asked.add(id)
      else early.delete(id)
    }
    if (asked.size > 0) onCloseRequested?.([...asked])
    if (failed.length > 0) throw failed[0]
    return { next, booked, closeRequests: asked.size }
  }

  const once = () => {
    polling ??= poll().finally(() => {
      polling = null
    })
    return polling
  }
  const timer = createTimer(everyMs, once, (error) =>
    report('warn', 'watch-failed', { error: error instanceof Error ? error.message : String(error) }),
  )

  return { poll: once, start: timer.start, stop: timer.stop }
}

const lower = (id: Hex) => id.toLowerCase() as Hex

function closeEvents(events: readonly Event[]): Hex[] {
  return events
    .filter(({ name }) => name === 'close-requested' || name === 'close-cancelled')
    .map(({ channelId }) => lower(channelId))
}

export declare namespace createWatcher {
  type Options = {
    ledger: Pick<
      Ledger,
      | 'cursor'
      | 'setCursor'
      | 'channels'
      | 'payment'
      | 'settled'
      | 'reorg'
      | 'intentBy'
      | 'attempts'
      | 'withdrawals'
    >
    chain: Chain
    book: ChannelBook
    /** Tokens whose transfers to the payee are looked at for charges that were given up; none when left out. */
    tokens?: readonly Address[]
    /** Told at once when a payer asks to close: settle now. Must not throw. */
    onCloseRequested?: (channels: readonly Hex[]) => void
    report?: Report
    /** Where to begin the first time: the block of the escrow's deployment. Default 0. */
    fromBlock?: bigint
    /** How many blocks a reorganisation may take back. Default: twice what makes everything count. */
    horizon?: number
    /** Blocks asked for at once. Default 1,000. */
    maxRange?: bigint
    /** Time between polls. Default 4,000. */
    everyMs?: number
  }
}
