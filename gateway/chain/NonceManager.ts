/**
 * Which nonce is next. Two things are taken: everything below the chain's `pending` count, and the nonces of intents
 * that have not ended, which the node may have forgotten. The lowest one that is free is next, so that a gap left by a
 * transaction nobody accepted is filled and never blocks those after it.
 */
export class NonceManager {
  #floor = 0
  readonly #taken = new Set<number>()

  /** Learns the chain's pending count. Never goes back: a node that lags behind does not make a nonce free. */
  raise(pendingCount: number): void {
    this.#floor = Math.max(this.#floor, pendingCount)
    for (const nonce of this.#taken) if (nonce < this.#floor) this.#taken.delete(nonce)
  }

  /** Marks the nonce of an open intent. */
  hold(nonce: number): void {
    if (nonce >= this.#floor) this.#taken.add(nonce)
  }

  /** Takes the lowest free nonce. */
  take(): number {
    let nonce = this.#floor
    while (this.#taken.has(nonce)) nonce += 1
    this.#taken.add(nonce)
    return nonce
  }

  /** Gives a nonce back: its transaction was accepted by no node, and never will be. */
  release(nonce: number): void {
    this.#taken.delete(nonce)
  }
}
