import { setImmediate } from 'node:timers/promises'
import type { Channel } from '../../Channel.ts'

/** How many channels are looked at in one go: a few milliseconds, though each may be a page of its own on the disk. */
export const page = 200

/** Where a walk over channels is: behind the one with this time and id. */
export type Place = { at: number; id: string }
/** Channels of one page, and where the next one begins; null after the last. */
export type Page = { channels: Channel[]; next: Place | null }

/** Before the first. */
const start: Place = { at: -1, id: '' }

/**
 * Reads page after page, of one walk after the other. Calls go on in between: a channel that they moved on is found once, as it was
 * last.
 */
export async function walk(walks: readonly ((from: Place) => Promise<Page>)[]): Promise<Channel[]> {
  const found = new Map<string, Channel>()
  for (const read of walks)
    for (let place: Place | null = start; place !== null; ) {
      const { channels, next }: Page = await read(place)
      for (const channel of channels) found.set(channel.id, channel)
      place = next
      if (place !== null) await setImmediate()
    }
  return [...found.values()]
}

/** Where the page after these rows begins. */
export function placeAfter(rows: readonly Place[]): Place | null {
  const last = rows.length < page ? undefined : rows.at(-1)
  return last === undefined ? null : { at: last.at, id: last.id }
}
