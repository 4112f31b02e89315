import type { Clock } from '../clock.ts'
import type { Ledger } from '../ledger/Ledger.ts'
import * as Session from './Session.ts'

/** Sessions as the books have them, remembered for a moment: a wallet that calls often is not looked up each time. */
export type Sessions = {
  /** The session of a token, or null: never opened, ended or expired. */
  find(token: string): Promise<Ledger.Session | null>
  /** Ends it, here at once. */
  end(token: string): Promise<void>
}

/**
 * How long what was found is taken for true. Another process on the same books may end a session: this one follows within
 * that time. Long enough to spare a busy wallet nearly every look, short enough for whoever signs out.
 */
const knownMs = 1_000

/** Keeps at most `most` sessions in mind, under the hash of their token. What was not found is not remembered. */
export function createSessions(options: {
  ledger: Pick<Ledger, 'session' | 'endSession'>
  clock: Clock
  most?: number
}): Sessions {
  const { ledger, clock, most = 10_000 } = options
  const known = new Map<string, { session: Ledger.Session; at: number }>()
  /** Counts sign-outs: what was asked for before one is not remembered after it. */
  let ended = 0

  return {
    async find(token) {
      const hash = Session.hashToken(token)
      const now = clock.now()
      const found = known.get(hash)
      if (found !== undefined && now >= found.at && now - found.at < knownMs)
        return found.session.expiresAt > now ? found.session : null
      known.delete(hash)
      const before = ended
      const session = await ledger.session(hash, now)
      if (session === null || before !== ended) return session
      known.set(hash, { session, at: now })
      const [oldest] = known.keys()
      if (known.size > most && oldest !== undefined) known.delete(oldest)
      return session
    },
    async end(token) {
      const hash = Session.hashToken(token)
      await ledger.endSession(hash)
      ended += 1
      known.delete(hash)
    },
  }
}
