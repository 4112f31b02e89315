import * as Config from '../../gateway/config/Config.ts'
import type { Guards } from './guards.ts'
import { chainId, type SimulatedChain } from './SimulatedChain.ts'
import type { Swarm } from './Swarm.ts'

/** What is sold: one route for each order of settlement, and one with a body. Prices in base units of USD. */
export const routes = [
  { method: 'GET', path: '/before-call', settle: 'before-call', price: 20_000n },
  { method: 'GET', path: '/before-release', settle: 'before-release', price: 10_000n },
  { method: 'GET', path: '/after', settle: 'after', price: 5_000n },
  { method: 'POST', path: '/with-body', settle: 'before-release', price: 30_000n },
] as const

export type SoldRoute = (typeof routes)[number]

export const publicUrl = 'http://127.0.0.1:8402'

/** The configuration of the gateway under test. */
export function simulatedConfig(chain: SimulatedChain, swarm: Swarm, guards: Guards): Config.Config {
  const { confirmations, deeper } = swarm
  const decimal = (units: bigint) => (Number(units) / 1_000_000).toFixed(6)
  return Config.parse(
    {
      publicUrl,
      secret: { env: 'SECRET' },
      chain: {
        id: chainId,
        rpcUrl: 'http://node.test',
        relayerKey: { env: 'KEY' },
        ...guards.depth({
          confirmations,
          ...(deeper === 0 ? {} : { reorgBlocks: 2 * (confirmations + deeper) }),
        }),
        startBlock: 0,
        pollMs: swarm.pollMs,
        timeoutMs: swarm.timeoutMs,
      },
      escrow: chain.escrow,
      tokens: {
        USD: { address: chain.token, decimals: 6, name: 'Test USD', version: '2', suggestedDeposit: '0.1' },
      },
      routes: routes.map(({ method, path, settle, price }) => ({
        method,
        path,
        settle,
        price: decimal(price),
        upstream: 'http://upstream.test',
      })),
      settlement: { threshold: '0.05', maxAgeSeconds: swarm.maxAgeSeconds, everyMs: swarm.settleEveryMs },
      // Answers are kept through the whole run: what was paid for can be fetched to its end.
      limits: { storedAnswerSeconds: 10_000_000 },
      historyDays: 200,
      challengeSeconds: swarm.challengeSeconds,
    },
    { SECRET: Buffer.alloc(32, 7).toString('base64'), KEY: chain.payeeKey },
  )
}
