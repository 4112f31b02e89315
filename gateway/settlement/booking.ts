import type { Event } from '../chain/EscrowCalls.ts'
import type { Channel } from '../ledger/Channel.ts'

/**
 * What an escrow event means for the books.
 *
 * | Booking | Does |
 * |---|---|
 * | `seen` | records the channel, or raises its deposit |
 * | `settled` | books what was paid out, by the reference of this log |
 * | `close-state` | a request to close can be taken back, so the log only says when to look: the escrow says what is |
 * | `finalized` | closes the books of the channel |
 * | `later` | something of before is missing: the watcher, which reads in order, books it |
 * | `none` | not for us, or nothing moved |
 */
export type Booking =
  | { kind: 'seen'; deposit: bigint }
  | { kind: 'settled'; cumulative: bigint }
  | { kind: 'close-state' }
  | { kind: 'finalized' }
  | { kind: 'later' }
  | { kind: 'none' }

/**
 * Decides what to book for an event, from the event and the channel as it is booked now. Pure. Two callers share it: the
 * settler, after its own transactions (`inOrder: false`: what came before may be missing), and the watcher.
 */
export function bookingOf(event: Event, channel: Channel | null, inOrder: boolean): Booking {
  switch (event.name) {
    case 'opened':
      return { kind: 'seen', deposit: event.deposit }
    case 'topped-up':
      return channel === null ? { kind: 'none' } : { kind: 'seen', deposit: event.deposit }
    case 'settled': {
      const before = event.cumulative - event.delta
      if (!inOrder && (channel === null || channel.settled < before)) return { kind: 'later' }
      return { kind: 'settled', cumulative: event.cumulative }
    }
    case 'close-requested':
    case 'close-cancelled':
      return { kind: 'close-state' }
    case 'closed':
    case 'withdrawn':
      if (!inOrder && (channel === null || channel.settled < event.settled)) return { kind: 'later' }
      return { kind: 'finalized' }
    case 'skipped':
      return { kind: 'none' }
  }
}
