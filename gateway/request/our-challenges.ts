import { Generations } from '../Generations.ts'
import type { Mac } from '../keys.ts'
import * as Challenge from '../protocol/mpp/Challenge.ts'

/** Challenges that come back: whether we made them, and what we wrote into them. */
export type OurChallenges = {
  /**
   * The opaque map of a challenge of ours; null when it is not ours, or was altered.
   * @throws {MalformedError} ours, and cannot be read.
   */
  opaqueOf(challenge: Challenge.Challenge): Readonly<Record<string, string>> | null
}

/** How many are remembered, twice: some 2 MB. */
const generation = 1_000

/**
 * A channel's challenge comes back with every voucher. One that was found to be bound under one of the keys is remembered
 * whole, and one that is the same to the letter need not be bound again.
 */
export function createOurChallenges(keys: readonly Mac[]): OurChallenges {
  const known = new Generations<Known>(generation)

  /** Every key is tried: the time says nothing about which. */
  const isOurs = (challenge: Challenge.Challenge) =>
    keys.filter((key) => Challenge.isBound(challenge, key)).length > 0

  return {
    opaqueOf(challenge) {
      const before = known.get(challenge.id)
      if (before !== undefined && isSame(before.challenge, challenge)) return before.opaque
      if (!isOurs(challenge)) return null
      const opaque = Challenge.decodeOpaque(challenge)
      known.set(challenge.id, { challenge, opaque })
      return opaque
    },
  }
}

type Known = { challenge: Challenge.Challenge; opaque: Readonly<Record<string, string>> }

/** In everything that the id binds. */
const isSame = (one: Challenge.Challenge, other: Challenge.Challenge) =>
  one.id === other.id &&
  one.realm === other.realm &&
  one.method === other.method &&
  one.intent === other.intent &&
  one.request === other.request &&
  one.expires === other.expires &&
  one.digest === other.digest &&
  one.opaque === other.opaque
