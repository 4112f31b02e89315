import type { Random } from './Random.ts'
import type { World } from './World.ts'

/** Until when a payer lets a transfer be made, in Unix seconds. */
export function validBefore({ scheduler, swarm }: World, random: Random): number {
  return Math.floor(scheduler.now() / 1_000) + random.between(30, swarm.challengeSeconds)
}
