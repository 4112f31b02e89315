import type { Random } from './Random.ts'

/**
 * What a seed's world is like. Swarm testing: each seed switches a random subset of the faults on, at random rates, so
 * that rare combinations happen often somewhere, and a fault that hides others is off in half of the seeds.
 */
export type Swarm = {
  payers: number
  /** Time between two actions of a payer, on average. */
  gapMs: number
  copies: number
  repeats: number
  replays: number
  lostAnswers: number
  onchain: number
  /** Probability that a payer asks the gateway to close its channel after a call. */
  closes: number
  /** Probability that the process dies at a boundary, before or after what happens there. */
  crash: Record<Boundary, number>
  downMs: number
  /** A ledger operation is refused, and nothing of it applied. */
  ledgerBusy: number
  rpcError: number
  rpcTimeout: number
  /** Executed by the node, and its answer lost. */
  rpcLostAnswer: number
  rpcSlowMs: number
  /** Accepted by the node, and forgotten. */
  forgotten: number
  receiptHidden: number
  lag: number
  reorgs: number
  /** Probability that what was in blocks that are taken back comes again. */
  reorgsKeep: number
  /** Most time until the weather changes: blocks are taken back or withheld, or the gateway's clock is set. */
  weatherMs: number
  /** Blocks beyond the confirmations that a reorganisation may take back: what had counted. */
  deeper: number
  withheld: number
  blockSeconds: number
  confirmations: number
  nodes: number
  upstream: Record<'refused' | 'error' | 'slow' | 'broken' | 'stream', number>
  upstreamMs: number
  clockJumps: number
  pollMs: number
  settleEveryMs: number
  timeoutMs: number
  challengeSeconds: number
  maxAgeSeconds: number
  /** How many operations wait in the ledger's journal at most; with 0 each group is written to its tables at once. */
  waiting: number
}

/** Where the gateway meets its world. */
export type Boundary = 'ledger-read' | 'ledger-write' | 'rpc-read' | 'rpc-send' | 'upstream' | 'release'

/** Draws a seed's world. */
export function draw(random: Random): Swarm {
  /** Off in half of the seeds, else up to `most`. */
  const rate = (most: number) => (random.chance(0.5) ? 0 : random.fraction() * most)
  const crashes = random.chance(0.7) ? 1 : 0
  const confirmations = random.pick([1, 1, 2, 3, 5])
  return {
    payers: random.between(1, 4),
    gapMs: random.pick([120_000, 300_000, 600_000, 900_000]),
    copies: rate(0.6),
    repeats: rate(0.8),
    replays: rate(0.2),
    lostAnswers: rate(0.4),
    onchain: rate(0.15),
    closes: 0.05,
    crash: {
      'ledger-read': crashes * rate(0.001),
      'ledger-write': crashes * rate(0.02),
      'rpc-read': crashes * rate(0.001),
      'rpc-send': crashes * rate(0.15),
      upstream: crashes * rate(0.06),
      release: crashes * rate(0.06),
    },
    downMs: random.pick([1_000, 20_000, 300_000, 1_800_000]),
    ledgerBusy: rate(0.02),
    rpcError: rate(0.1),
    rpcTimeout: rate(0.03),
    rpcLostAnswer: rate(0.3),
    rpcSlowMs: random.pick([20, 200, 3_000]),
    forgotten: rate(0.15),
    receiptHidden: rate(0.3),
    lag: rate(0.5),
    reorgs: rate(1),
    reorgsKeep: 0.5,
    weatherMs: 900_000,
    deeper: 0,
    withheld: rate(1),
    blockSeconds: random.pick([4, 12]),
    confirmations,
    nodes: random.pick([1, 1, 2]),
    upstream: {
      refused: rate(0.15),
      error: rate(0.2),
      slow: rate(0.15),
      broken: rate(0.2),
      stream: rate(0.8),
    },
    upstreamMs: random.pick([20, 500, 5_000]),
    clockJumps: rate(1),
    pollMs: random.pick([15_000, 60_000, 240_000]),
    settleEveryMs: random.pick([30_000, 300_000]),
    timeoutMs: random.pick([5_000, 20_000, 60_000]),
    challengeSeconds: random.pick([60, 300, 1_200]),
    maxAgeSeconds: random.pick([300, 3_600]),
    waiting: random.pick([0, 3, 40, 100_000]),
  }
}

/** A process that does not die. */
export const immortal: Swarm['crash'] = {
  'ledger-read': 0,
  'ledger-write': 0,
  'rpc-read': 0,
  'rpc-send': 0,
  upstream: 0,
  release: 0,
}

/** The same world without a fault left: how every run ends. */
export function calm(swarm: Swarm): Swarm {
  return {
    ...swarm,
    copies: 0,
    repeats: 0,
    replays: 0,
    lostAnswers: 0,
    onchain: 0,
    crash: immortal,
    ledgerBusy: 0,
    rpcError: 0,
    rpcTimeout: 0,
    rpcLostAnswer: 0,
    rpcSlowMs: 20,
    forgotten: 0,
    receiptHidden: 0,
    lag: 0,
    reorgs: 0,
    withheld: 0,
    clockJumps: 0,
    upstream: { ...swarm.upstream, refused: 0, error: 0, slow: 0, broken: 0 },
  }
}
