import type { State } from './State.ts'

/**
 * Where the client's memory lives. One primitive changes it, and its law is what makes vouchers safe: `update` runs the
 * changes one after another, over all processes that share the store, and resolves when the change would survive a
 * crash. A voucher leaves only after that.
 */
export type ChannelStore = {
  /** The state as last written. */
  read(): Promise<State>
  /**
   * Applies a change. `change` gets a copy of the state, alters it in place and returns what came of it; it must not
   * await. When it throws, nothing is written and `update` rejects with its error.
   */
  update<outcome>(change: (state: State) => outcome): Promise<outcome>
}
