import type { Address, Hex } from 'viem'
import type { Chain } from '../chain/Chain.ts'
import { type Event, events } from '../chain/EscrowCalls.ts'
import { type Report, silent } from '../chain/Report.ts'
import type { Clock } from '../clock.ts'
import * as Asset from '../ledger/Asset.ts'
import type { Channel } from '../ledger/Channel.ts'
import type { Ledger } from '../ledger/Ledger.ts'
import { bookingOf } from './booking.ts'

/**
 * The one way in which anything about channels is booked: from mined escrow logs. Idempotent by the reference of the log
 * (chain, transaction, log), so that the settler and the watcher may both come across the same one.
 */
export type ChannelBook = {
  /** Books what a mined transaction did to our channels. The transaction must be at depth. */
  apply(mined: Chain.Mined): Promise<void>
  /** Books events, in the order given. `inOrder`: nothing before them is missing. */
  applyEvents(events: readonly Event[], options: { inOrder: boolean }): Promise<void>
  /**
   * Books what a caller's own transaction did to a channel, once it is deep enough and really did it.
   * `pending`: not mined, or not deep enough yet.
   */
  follow(hash: Hex, channelId: Hex): Promise<'booked' | 'pending' | 'reverted' | 'not-ours'>
  /**
   * Records a channel as the escrow has it at depth, and whether its payer asks to close as of now. Null when the escrow
   * does not have it (yet), or when it is not ours.
   */
  sync(channelId: Hex): Promise<Channel | null>
  /** Records whether the payer asks to close, as the escrow has it now. Null: not a channel of ours. */
  syncClose(channelId: Hex): Promise<Channel | null>
  /** Channels that we are closing now: they count as asked to close, whatever the escrow says yet. */
  readonly closing: Set<Hex>
}

export function createChannelBook(options: createChannelBook.Options): ChannelBook {
  const { chain, ledger, clock, report = silent } = options
  const tokens = options.tokens?.map((token) => token.toLowerCase())
  const closing = new Set<Hex>()
  const isOurs = (found: { payee: Address; token: Address }) =>
    found.payee === chain.payee && (tokens === undefined || tokens.includes(found.token))

  async function see(id: Hex, found: createChannelBook.Seen, event?: Event): Promise<Channel> {
    const { payer, payee, token, signer, deposit } = found
    const asset = Asset.of(chain.id, token)
    const parties = { payer, payee, token, asset, signer }
    await chain.confirmChannel(id, token, deposit, (shown) => shown.deposit >= deposit)
    const own = { chainId: chain.id, escrow: chain.escrow, now: clock.now() }
    const ref = event === undefined ? {} : { ref: refOf(event) }
    return ledger.channelSeen({ id, ...own, ...parties, deposit, ...ref })
  }

  function refOf({ transaction, logIndex, block, blockHash }: Event): Ledger.ChainRef {
    const hash = blockHash === undefined ? {} : { blockHash }
    return { chainId: chain.id, transaction, logIndex, block, ...hash }
  }

  async function seeAtDepth(id: Hex): Promise<Channel | null> {
    const deep = (await chain.head()).number - BigInt(chain.confirmations) + 1n
    return deep < 0n ? null : seeAt(id, deep)
  }

  async function seeAt(id: Hex, block: bigint): Promise<Channel | null> {
    const found = await chain.channel(id, block)
    return found === null || !isOurs(found) ? null : see(id, found)
  }

  async function syncClose(channelId: Hex): Promise<Channel | null> {
    const id = lower(channelId)
    const [known, found] = await Promise.all([ledger.channel(id), chain.channel(id)])
    if (known === null || found === null) return known
    const at = found.closeRequestedAt === 0n ? null : Number(found.closeRequestedAt)
    if (at === known.closeRequestedAt || (at === null && closing.has(id))) return known
    return ledger.closeRequested(id, at)
  }

  async function applyEvent(event: Event, inOrder: boolean): Promise<void> {
    const id = lower(event.channelId)
    if (event.name === 'opened' && !isOurs(event)) return
    if (event.name !== 'topped-up' && event.payee !== chain.payee) return
    let channel = await ledger.channel(id)
    const { transaction } = event
    const booking = bookingOf(event, channel, inOrder)
    if (booking.kind === 'none') return
    if (booking.kind === 'later') {
      report('warn', 'event-out-of-order', { channel: id, event: event.name, transaction })
      return
    }
    if (event.name === 'opened') {
      await see(id, event, event)
      return
    }
    channel ??= await seeAtDepth(id)
    if (channel === null) return
    if (channel.suspended !== null && (booking.kind === 'settled' || booking.kind === 'finalized')) {
      // What the books have lost is not booked as something else: an operator decides.
      report('warn', 'event-of-suspended-channel', { channel: id, event: event.name, transaction })
      return
    }
    switch (booking.kind) {
      case 'seen':
        await see(id, { ...channel, deposit: booking.deposit }, event)
        return
      case 'settled': {
        const { cumulative } = booking
        if (cumulative > channel.settled)
          await chain.confirmChannel(id, channel.token, cumulative, (shown) => shown.settled >= cumulative)
        await ledger.channelSettled({ id, cumulative, ref: refOf(event), now: clock.now() })
        return
      }
      case 'close-state':
        await syncClose(id)
        return
      case 'finalized':
        if (!channel.finalized) {
          await chain.confirmChannel(id, channel.token, channel.deposit, (shown) => shown.finalized)
          tellOfEnd(channel, event)
        }
        await ledger.channelFinalized(id, refOf(event))
    }
  }

  /** The end of a channel that paid out something other than the books have. */
  function tellOfEnd({ id: channel, spent, settled }: Channel, event: Event): void {
    const { transaction } = event
    if ((event.name === 'closed' || event.name === 'withdrawn') && settled < event.settled)
      report('error', 'settlement-missed', { channel, booked: settled, chain: event.settled })
    if (spent > settled) report('error', 'channel-ended-unsettled', { channel, spent, settled, transaction })
  }

  async function applyEvents(all: readonly Event[], { inOrder }: { inOrder: boolean }): Promise<void> {
    for (const event of all) await applyEvent(event, inOrder)
  }

  return {
    closing,
    applyEvents,
    syncClose,
    apply: (mined) => applyEvents(events(chain.escrow, mined.logs), { inOrder: false }),
    async sync(channelId) {
      const id = lower(channelId)
      return (await seeAtDepth(id)) === null ? null : syncClose(id)
    },
    async follow(hash, channelId) {
      const id = lower(channelId)
      const mined = await chain.receipt(hash)
      if (mined === null) return 'pending'
      if (mined.status === 'reverted') return 'reverted'
      const deposits = events(chain.escrow, mined.logs).filter(
        ({ name, channelId: of }) => lower(of) === id && (name === 'opened' || name === 'topped-up'),
      )
      if (deposits.length === 0 || deposits.some((event) => event.name === 'opened' && !isOurs(event)))
        return 'not-ours'
      // The deposit as a whole says how deep it must be: many small top-ups are one large one.
      const found = await chain.channel(id, mined.block)
      if (found === null || !isOurs(found)) return 'not-ours'
      if (mined.depth < chain.depth(found.token, found.deposit)) return 'pending'
      await see(id, found)
      await applyEvents(deposits, { inOrder: false })
      await syncClose(id)
      return 'booked'
    },
  }
}

const lower = (id: Hex) => id.toLowerCase() as Hex

export declare namespace createChannelBook {
  type Seen = { payer: Address; payee: Address; token: Address; signer: Address; deposit: bigint }
  type Options = {
    chain: Chain
    ledger: Ledger
    clock: Clock
    report?: Report
    /** Only channels of these tokens are recorded; of all when left out. */
    tokens?: readonly Address[]
  }
}
