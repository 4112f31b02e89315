import { randomBytes } from 'node:crypto'
import type { Gateway } from '../../gateway/gateway.ts'
import type { Ledger } from '../../gateway/ledger/Ledger.ts'
import { immortal, type Swarm } from './Swarm.ts'
import type { World } from './World.ts'

/** A guard that can be taken away, to see that the simulation notices. */
export const guardNames = ['claim', 'hold-order', 'intent-record', 'depth', 'resolver'] as const
export type GuardName = (typeof guardNames)[number]

/** Blocks that make a transaction count, and how deep what was booked is watched. */
type Depth = { confirmations: number; reorgBlocks?: number }

/** Where the gateway's guards are taken away: around it, never inside it. */
export type Guards = {
  ledger(ledger: Ledger, world: World): Ledger
  /** What the guard is there for: every world without it has it, so that nearly every seed notices. */
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

/** Much happens in little time. */
const busy: Partial<Swarm> = { gapMs: 60_000, downMs: 20_000 }

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
      return { ...all, world: { ...busy, crash: immortal, copies: 0.6, repeats: 0.6 }, ledger: claimAgain }
    case 'hold-order':
      return { ...all, world: { ...busy, copies: 0.6, repeats: 0.6 }, ledger: callFirst }
    case 'intent-record':
      // The process dies between what it sends and what it books of it.
      return {
        ...all,
        world: { ...busy, downMs: 1_000, forgotten: 0, crash: { ...immortal, 'rpc-send': 0.6 } },
        ledger: forgetIntents,
      }
    case 'depth':
      // What was in up to four blocks never comes again, after it was looked at: it has expired by then.
      return {
        ...all,
        world: {
          ...busy,
          crash: immortal,
          confirmations: 5,
          reorgs: 1,
          reorgsKeep: 0,
          weatherMs: 60_000,
          withheld: 0,
          blockSeconds: 12,
          pollMs: 6_000,
          challengeSeconds: 60,
        },
        depth: () => ({ confirmations: 1, reorgBlocks: 1 }),
      }
    case 'resolver':
      // No call waits as long as its transaction takes to count.
      return {
        ...all,
        world: { ...busy, crash: immortal, confirmations: 5, blockSeconds: 12, timeoutMs: 5_000 },
        afterStart: ({ settlement }) => void settlement.resolver.stop(),
      }
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
