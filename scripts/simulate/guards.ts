import { randomBytes } from 'node:crypto'
import type { Gateway } from '../../gateway/gateway.ts'
import type { Ledger } from '../../gateway/ledger/Ledger.ts'
import type { Swarm } from './Swarm.ts'
import type { World } from './World.ts'

/** A guard that can be taken away, to see that the simulation notices. */
export const guardNames = ['claim', 'hold-order', 'intent-record', 'depth', 'resolver'] as const
export type GuardName = (typeof guardNames)[number]

/** Blocks that make a transaction count, and how deep what was booked is watched. */
type Depth = { confirmations: number; reorgBlocks?: number }

/** Where the gateway's guards are taken away: around it, never inside it. */
export type Guards = {
  ledger(ledger: Ledger, world: World): Ledger
  /** What the guard is there for: every world without it has it. */
  world: Partial<Swarm>
  /** What the gateway is told of depth. */
  depth(configured: Depth): Depth
  afterStart(gateway: Gateway): void
}

const all: Guards = {
  ledger: (ledger) => ledger,
  world: {},
  depth: (configured) => configured,
  afterStart: () => {},
}

/**
 * | Without | What is different |
 * |---|---|
 * | `claim` | a payment key may be claimed any number of times |
 * | `hold-order` | the upstream is called before the claim is durable |
 * | `intent-record` | transactions are sent without a record of them |
 * | `depth` | one block is enough, and is not watched, on a chain that takes back several |
 * | `resolver` | nobody asks what became of payments in doubt |
 */
export function without(name: GuardName | null): Guards {
  switch (name) {
    case null:
      return all
    case 'claim':
      return { ...all, world: { copies: 0.6, repeats: 0.6, gapMs: 300_000 }, ledger: claimAgain }
    case 'hold-order':
      return { ...all, ledger: callFirst }
    case 'intent-record':
      return { ...all, ledger: forgetIntents }
    case 'depth':
      return {
        ...all,
        world: { confirmations: 5, reorgs: 1 },
        depth: () => ({ confirmations: 1, reorgBlocks: 1 }),
      }
    case 'resolver':
      return { ...all, afterStart: ({ settlement }) => void settlement.resolver.stop() }
  }
}

/** What was claimed already is claimed once more, under a name of its own. */
function claimAgain(ledger: Ledger): Ledger {
  return {
    ...ledger,
    async claim(request) {
      const result = await ledger.claim(request)
      if (result.outcome !== 'replayed') return result
      return ledger.claim({ ...request, key: `${request.key}:${randomBytes(8).toString('hex')}` })
    },
  }
}

/** The upstream works as soon as a claim is asked for, whether it will be granted or not. */
function callFirst(ledger: Ledger, world: World): Ledger {
  return {
    ...ledger,
    claim(request) {
      const call = world.callOf(request.key)
      if (call !== null) world.upstream.runEarly(call, request.id)
      return ledger.claim(request)
    },
  }
}

function forgetIntents(ledger: Ledger): Ledger {
  const intended = new Map<string, Ledger.Intent>()
  return {
    ...ledger,
    async intend(intent) {
      const kept: Ledger.Intent = { ...intent, state: 'intended', reason: null, updatedAt: intent.now }
      intended.set(intent.id, kept)
      return kept
    },
    async updateIntent(id, { state, reason = null }) {
      const kept = intended.get(id)
      if (kept === undefined) throw new Error(`There is no intent ${id}.`)
      return { ...kept, state, reason }
    },
  }
}
