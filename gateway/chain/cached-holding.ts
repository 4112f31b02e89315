import type { Clock } from '../clock.ts'
import type { Chain } from './Chain.ts'

type Holding = Chain['holding']

/**
 * Remembers holdings for a while, so that a gated route costs one question to the chain for each wallet and not one for
 * each call. Access ends within this time after the token has left. Bounded: the oldest answers are forgotten first.
 */
export function cachedHolding(holding: Holding, options: cachedHolding.Options): Holding {
  const { clock, ttlMs, most = 10_000 } = options
  const known = new Map<string, { at: number; answer: ReturnType<Holding> }>()
  return (gate, owner) => {
    const key = `${gate.standard}:${gate.token}:${gate.id ?? ''}:${owner.toLowerCase()}`
    const found = known.get(key)
    if (found !== undefined && clock.now() - found.at < ttlMs) return found.answer
    const answer = holding(gate, owner)
    known.delete(key)
    known.set(key, { at: clock.now(), answer })
    // A node that did not answer has said nothing about the wallet.
    answer.catch(() => known.get(key)?.answer === answer && known.delete(key))
    const [oldest] = known.keys()
    if (known.size > most && oldest !== undefined) known.delete(oldest)
    return answer
  }
}

export declare namespace cachedHolding {
  type Options = { clock: Clock; ttlMs: number; most?: number }
}
