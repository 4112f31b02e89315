/**
 * When the event loop waits for the disk itself, instead of a thread beside it. On a core that both share, a thread that the
 * disk has answered may get its turn only when the loop rests or the scheduler next looks (every 4 ms on many kernels), where a good
 * disk answers within a third of one. So a small group is waited for at once, as long as the disk is quick; a large one has a busy loop around it.
 */
export class LoopWait {
  readonly #clock: { now(): number }
  /** Groups that are still left to the thread since the disk was slow. */
  #spared = 0

  constructor(clock: { now(): number }) {
    this.#clock = clock
  }

  /** Whether a group of so many operations is waited for in the loop. */
  takes(operations: number): boolean {
    if (this.#spared > 0) {
      this.#spared -= 1
      return false
    }
    return operations <= smallGroup
  }

  /** Waits, and watches how long it takes. Throws what `sync` throws. */
  run(sync: () => void): void {
    const from = this.#clock.now()
    sync()
    if (this.#clock.now() - from > quickMs) this.#spared = groupsSpared
  }
}

/** Operations of a group behind which there is not much else to do. */
export const smallGroup = 16
/** Milliseconds within which a disk must answer. */
export const quickMs = 2
/** After a slow answer the thread waits for so many groups; then the loop tries again. */
export const groupsSpared = 256
