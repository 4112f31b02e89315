import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import * as Config from '../../gateway/config/Config.ts'
import { loadConfig } from '../../gateway/config/load-config.ts'

/** The promise: a configuration that cannot be used never starts, and the message says which key and how to mend it. */

const environment = {
  SECRET: Buffer.alloc(32, 1).toString('base64'),
  KEY: `0x${'11'.repeat(32)}`,
}
const usd = { address: `0x${'22'.repeat(20)}`, decimals: 6, name: 'USD Coin', version: '2' }

/** A whole one, with some of it changed. */
function input(change: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    publicUrl: 'http://localhost:8402',
    secret: { env: 'SECRET' },
    chain: { id: 84532, rpcUrl: 'http://localhost:8545', startBlock: 1, relayerKey: { env: 'KEY' } },
    escrow: `0x${'33'.repeat(20)}`,
    tokens: { USD: usd },
    routes: [{ path: '/call', upstream: 'http://localhost:3000', price: '0.01' }],
    ...change,
  }
}
const route = (change: Record<string, unknown>) => ({
  routes: [{ path: '/call', upstream: 'http://localhost:3000', price: '0.01', ...change }],
})
const complaintsOf = (
  raw: unknown,
  env: Record<string, string | undefined> = environment,
): readonly string[] => {
  try {
    Config.parse(raw, env)
  } catch (error) {
    if (error instanceof Config.ConfigError) return error.complaints
    throw error
  }
  return []
}

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'farthing-config-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

describe('loadConfig', () => {
  test('default: JSON, YAML and TypeScript files say the same', async () => {
    const raw = input()
    const files = {
      'a.json': JSON.stringify(raw),
      'a.yaml': stringify(raw),
      'a.ts': `export default ${JSON.stringify(raw)}`,
    }
    for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text)
    const [first, ...rest] = await Promise.all(
      Object.keys(files).map((name) => loadConfig(name, directory, environment)),
    )
    expect(first?.routes[0]).toMatchObject({ id: 'GET /call', price: { kind: 'fixed', amount: 10_000n } })
    for (const other of rest) expect(other).toEqual(first)
  })

  test.each([
    ['missing.json', null, /missing\.json: not found in .*Fix: write one/],
    ['broken.json', '{', /broken\.json: /],
    ['broken.yaml', 'a: [', /broken\.yaml: /],
    ['bomb.yaml', 'a: &a [x]\nb: *a', /bomb\.yaml: .*alias/i],
    [
      'nothing.ts',
      'export const x = 1',
      /nothing\.ts: has no default export\. Fix: export default defineConfig/,
    ],
    ['throws.ts', 'throw new Error("no")', /throws\.ts: no/],
  ])('error: %s is refused by name', async (name, text, message) => {
    if (text !== null) await writeFile(join(directory, name), text)
    const loading = loadConfig(name, directory, environment)
    await expect(loading).rejects.toThrow(Config.ConfigError)
    await expect(loading).rejects.toThrow(message)
  })
})

const bad: [string, Record<string, unknown>, RegExp][] = [
  ['an unknown key', { tokenz: {} }, /does not know "tokenz"\. Fix: check the spelling/],
  ['no routes', { routes: [] }, /^routes: must list at least one route/],
  ['a secret in the file', { secret: 'hunter2' }, /^secret: must name an environment variable/],
  [
    'a secret that is not set',
    { secret: { env: 'NOWHERE' } },
    /^secret: the environment variable NOWHERE is not set\. Fix: export/,
  ],
  [
    'a public URL in plain text',
    { publicUrl: 'http://api.example.com' },
    /^publicUrl: .*not loopback\. Fix: use https/,
  ],
  [
    'https that nobody speaks',
    { publicUrl: 'https://api.example.com' },
    /^publicUrl: .*Fix: set listen\.tls, or behindTlsProxy/,
  ],
  [
    'a public URL with a path',
    { publicUrl: 'http://localhost/api' },
    /^publicUrl: .*must be an origin\. Fix: http:\/\/localhost/,
  ],
  ['another scheme', { publicUrl: 'ftp://localhost' }, /^publicUrl: /],
  ['a short address', { escrow: '0x12' }, /^escrow: must be a 20-byte address/],
  ['a number for a price', route({ price: 0.01 }), /^routes\.0\.price: /],
  ['too many decimals', route({ price: '0.0000001' }), /^routes\.0: .*has 7 decimals; the token has 6/],
  ['an unknown token', route({ token: 'EUR' }), /^routes\.0: token "EUR" is not one of tokens: USD/],
  ['a path without a slash', route({ path: 'call' }), /^routes\.0\.path: must start with "\/"/],
  [
    "the gateway's own path",
    route({ path: '/farthing/x' }),
    /^routes\.0\.path: must not lie below \/farthing/,
  ],
  ['an unknown rail', route({ rails: ['card'] }), /^routes\.0\.rails\.0: /],
  ['no rail', route({ rails: [] }), /^routes\.0\.rails: must name at least one rail/],
  [
    'a gate without an id',
    route({ gate: { standard: 'erc1155', token: usd.address, effect: 'free' } }),
    /^routes\.0\.gate\.id: /,
  ],
  [
    'a gate of nothing',
    route({ gate: { standard: 'erc20', token: usd.address, minimum: '0', effect: 'free' } }),
    /^routes\.0\.gate\.minimum: /,
  ],
]

describe('Config.parse', () => {
  test.each(bad)('error: %s is refused by its key', (_what, change, message) => {
    const complaints = complaintsOf(input(change))
    expect(complaints).toHaveLength(1)
    expect(complaints[0]).toMatch(message)
  })

  test('error: a secret that is too short, or no key, says how to make one, and is never said again', () => {
    const short = complaintsOf(input(), { ...environment, SECRET: 'c2hvcnQ=', KEY: '0xnot-a-key' })
    expect(short).toEqual([
      'secret: holds 5 bytes; it must hold at least 32. Fix: openssl rand -base64 32',
      'chain.relayerKey: must be 32 bytes of hex with 0x in front. Fix: printf 0x%s "$(openssl rand -hex 32)"',
    ])
    expect(short.join()).not.toMatch(/c2hvcnQ|not-a-key/)
  })

  test('error: calls that would be looked at while their answers are kept', () => {
    const complaint =
      'historyDays: 1.5 days are not above limits.storedAnswerSeconds, 129600 s: a call is rolled up without its answer. ' +
      'Fix: raise historyDays, or lower limits.storedAnswerSeconds'
    const limits = { storedAnswerSeconds: 129_600 }
    expect(complaintsOf(input({ historyDays: 1.5, limits }))).toEqual([complaint])
    expect(complaintsOf(input({ historyDays: 1.6, limits }))).toEqual([])
  })

  test('error: calls that would be looked at before they are settled, and stay where they are for good', () => {
    const complaint =
      'historyDays: 1 days are not above settlement.maxAgeSeconds, 86400 s: a call is rolled up when it is settled. ' +
      'Fix: raise historyDays, or lower settlement.maxAgeSeconds'
    expect(complaintsOf(input({ historyDays: 1 }))).toEqual([complaint])
  })

  test('behavior: every complaint is said at once', () => {
    expect(complaintsOf(input({ escrow: 'x', publicUrl: 'y', ...route({ price: 'z' }) }))).toHaveLength(3)
  })
})

describe('nodes and keys', () => {
  const chain = (change: Record<string, unknown>) =>
    input({
      chain: {
        id: 84532,
        rpcUrl: 'http://localhost:8545',
        startBlock: 1,
        relayerKey: { env: 'KEY' },
        ...change,
      },
    })
  const env = { ...environment, NODE: 'https://node.example/key', KEY2: `0x${'22'.repeat(32)}` }
  const two = ['http://localhost:8545', { env: 'NODE' }]

  test('default: several nodes, several keys, and amounts in base units of each token', () => {
    const raw = chain({ rpcUrl: two, agreementAbove: '100.5', relayers: [{ env: 'KEY2' }] })
    const { rpcUrl, agreementAbove, relayers, fees } = Config.parse(raw, env).chain
    expect(rpcUrl).toEqual(['http://localhost:8545', env.NODE])
    expect([...agreementAbove]).toEqual([[usd.address, 100_500_000n]])
    expect(relayers).toEqual([env.KEY2])
    expect(fees).toEqual({ maxMultiple: 5, replaceAfterSeconds: 120 })
  })

  test('error: agreement of two needs two endpoints', () => {
    const complaint =
      'chain.agreementAbove: needs two endpoints in chain.rpcUrl; there is 1. Fix: list a second one, of another operator, or leave agreementAbove out'
    expect(complaintsOf(chain({ agreementAbove: '100' }), env)).toEqual([complaint])
    expect(complaintsOf(chain({ agreementAbove: '100', rpcUrl: [two[0]] }), env)).toEqual([complaint])
    expect(complaintsOf(chain({ agreementAbove: '100', rpcUrl: two }), env)).toEqual([])
  })

  test('error: an endpoint would agree with itself, a key would take its own nonces', () => {
    expect(complaintsOf(chain({ rpcUrl: [two[0], two[0]] }), env)[0]).toMatch(/^chain.rpcUrl: .*twice/)
    expect(complaintsOf(chain({ relayers: [{ env: 'KEY' }] }), env)[0]).toMatch(/^chain.relayers: .*already/)
    expect(complaintsOf(chain({ relayers: [{ env: 'KEY2' }, { env: 'KEY2' }] }), env)).toHaveLength(1)
    expect(complaintsOf(chain({ rpcUrl: [{ env: 'KEY2' }] }), env)).toHaveLength(1)
  })
})
