import type { ChannelStore } from './ChannelStore.ts'
import { copy, empty, type State } from './State.ts'

/**
 * A store that forgets with the process: for tests, and for browsers that recover their channels from the gateway.
 * Day limits and pins are forgotten with it.
 */
export function createMemoryStore(initial?: State): ChannelStore {
  let state = copy(initial ?? empty())
  return {
    read: async () => copy(state),
    update: async (change) => {
      const draft = copy(state)
      const outcome = change(draft)
      state = draft
      return outcome
    },
  }
}
