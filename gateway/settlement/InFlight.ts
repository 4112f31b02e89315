import type { Hex } from 'viem'

/** Channels that a transaction of ours is about, in this process. One at a time for each. */
export class InFlight {
  readonly #held = new Map<Hex, { done: Promise<void>; end: () => void }>()

  /** Takes a channel, or says that it is taken. */
  take(id: Hex): boolean {
    if (this.#held.has(id)) return false
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#held.set(id, { done: promise, end: resolve })
    return true
  }

  /** Takes a channel as soon as it is free. */
  async wait(id: Hex): Promise<void> {
    while (!this.take(id)) await this.#held.get(id)?.done
  }

  release(id: Hex): void {
    this.#held.get(id)?.end()
    this.#held.delete(id)
  }
}
