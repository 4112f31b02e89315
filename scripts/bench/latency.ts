import { request } from './load/request.ts'
import type { Options } from './options.ts'
import type { Row } from './Row.ts'
import { median } from './report.ts'
import { measureRow, type Samples } from './rounds.ts'
import { measure, type Sample } from './Sample.ts'
import type { Stand } from './Stand.ts'

/** The gateway's rows whose latency is promised. */
const promised = ['free', 'channel', 'channel-repeated', 'balance']
/** What the same machine adds with nothing of ours in between: a proxy, and the prototypes that keep the promise. */
const yardsticks = ['dispatch', 'limit-kept', 'limit-balance']

/** What a call waits longer because the gateway stands in between, at half of what it can do. Milliseconds. */
export type Latency = {
  /** Not the gateway's own. */
  isYardstick: boolean
  /** Calls a second: half of the row's own median. */
  perSecond: number
  added: Percentiles
  gateway: Percentiles
  /** The same calls at the same rate, sent to the API itself. */
  direct: Percentiles
  /** Longest pauses of the collector in any round. */
  longestScavenge: number
  longestOther: number
  scavenges: number
  /** Bytes of a call that the collector moved to the old generation; null when a full collection ran in every round. */
  keptPerCall: number | null
  samples: { gateway: Sample; direct: Sample }[]
}

type Percentiles = { p50: number; p99: number; p999: number }

/** Measures such of these rows at half of their full rates, and the API itself at the same rates, in turns. */
export async function runLatency(
  all: readonly Row[],
  samples: Samples,
  stand: Stand,
  options: Options & { say(line: string): void },
): Promise<Record<string, Latency>> {
  const found: Record<string, Latency> = {}
  const rows = [...promised, ...yardsticks].flatMap((name) => all.filter((row) => row.name === name))
  for (const row of rows) {
    const full = median((samples[row.name] ?? []).map(({ rate }) => rate))
    if (full === null) continue
    const perSecond = full / 2
    // At half the rate as many calls take twice as long; until V8 has compiled what they run, it takes the core from them.
    const warmMs = options.warmMs * 2
    const pairs: Latency['samples'] = []
    for (let round = 0; round < options.rounds; round += 1) {
      const ofGateway = () => measureRow(row, stand, { ...options, warmMs }, { watch: 'pauses', perSecond })
      const ofApi = () => measureApi(stand, { ...options, warmMs }, perSecond)
      // Every second round goes the other way.
      const first = round % 2 === 0 ? await ofGateway() : await ofApi()
      const second = round % 2 === 0 ? await ofApi() : await ofGateway()
      pairs.push(round % 2 === 0 ? { gateway: first, direct: second } : { gateway: second, direct: first })
    }
    const latency = { isYardstick: yardsticks.includes(row.name), ...summarise(perSecond, pairs) }
    found[row.name] = latency
    options.say(describe(row.name, latency))
  }
  return found
}

async function measureApi(stand: Stand, { warmMs, measureMs }: Options, perSecond: number): Promise<Sample> {
  const script = stand.payers.map(() => [request('/free')])
  const { folder, upstream } = stand
  // Nothing runs on the server's core meanwhile, and nobody is asked how busy it was.
  const nobody = { pid: 0, ask: async () => null, stop: async () => {} }
  return measure(nobody, { folder, script, port: upstream.port, loop: true, warmMs, measureMs, perSecond })
}

function summarise(perSecond: number, pairs: Latency['samples']): Omit<Latency, 'isYardstick'> {
  const middle = (pick: (pair: Latency['samples'][number]) => number) => median(pairs.map(pick)) ?? 0
  const of = (pick: (pair: Latency['samples'][number]) => Sample): Percentiles => ({
    p50: middle((pair) => pick(pair).p50),
    p99: middle((pair) => pick(pair).p99),
    p999: middle((pair) => pick(pair).p999),
  })
  const pauses = pairs.flatMap(({ gateway }) => gateway.pauses ?? [])
  return {
    perSecond,
    added: {
      p50: middle(({ gateway, direct }) => gateway.p50 - direct.p50),
      p99: middle(({ gateway, direct }) => gateway.p99 - direct.p99),
      p999: middle(({ gateway, direct }) => gateway.p999 - direct.p999),
    },
    gateway: of((pair) => pair.gateway),
    direct: of((pair) => pair.direct),
    longestScavenge: Math.max(0, ...pauses.map((of) => of.longestScavenge)),
    longestOther: Math.max(0, ...pauses.map((of) => of.longestOther)),
    scavenges: pauses.reduce((sum, of) => sum + of.scavenges, 0),
    keptPerCall: median(pauses.flatMap(({ keptPerCall }) => keptPerCall ?? [])),
    samples: pairs,
  }
}

function describe(
  name: string,
  { perSecond, added, longestScavenge, longestOther, keptPerCall, samples }: Latency,
): string {
  const ms = (value: number) => `${value.toFixed(2)} ms`
  return [
    `  ${name.padEnd(18)}  at ${perSecond.toFixed(0)} calls/s adds p50 ${ms(added.p50)}, p99 ${ms(added.p99)}, p99.9 ${ms(added.p999)};`,
    `longest scavenge ${ms(longestScavenge)}, other pause ${ms(longestOther)};`,
    `kept ${keptPerCall === null ? 'not known' : `${(keptPerCall / 1_000).toFixed(2)} kB`} of a call;`,
    `added p99 by round: ${samples.map(({ gateway, direct }) => (gateway.p99 - direct.p99).toFixed(2)).join(', ')}`,
  ].join(' ')
}
