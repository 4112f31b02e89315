/** Where time comes from. Made once, in `main.ts`; tests make their own. */
export type Clock = {
  /** Milliseconds since the epoch. */
  now(): number
}

export const systemClock: Clock = { now: () => Date.now() }

/** Unix seconds, as contracts and EIP-712 messages count them. */
export function unixSeconds(clock: Clock): number {
  return Math.floor(clock.now() / 1000)
}
