import { isIP } from 'node:net'
import type { Address, Hex } from 'viem'
import type * as z from 'zod'
import type { ExposureLimits } from '../policy/exposure.ts'
import type { Gate } from '../policy/Gate.ts'
import * as Amount from '../protocol/Amount.ts'
import type { Route, Target } from '../routes/Route.ts'
import type { Token } from '../routes/Token.ts'
import { type DepthStep, readDepths } from './read-depths.ts'
import { checkPrices, readExposure } from './read-exposure.ts'
import { readAgreement, readRelayers, readRpcUrls } from './read-nodes.ts'
import { type RawConfig, schema } from './schema.ts'

/** The configuration as the gateway uses it: every value checked, secrets resolved, amounts in base units. */
export type Config = Omit<
  RawConfig,
  | 'publicUrl'
  | 'secret'
  | 'previousSecrets'
  | 'chain'
  | 'escrow'
  | 'tokens'
  | 'routes'
  | 'settlement'
  | 'losses'
  | 'withdrawals'
  | 'exposure'
> & {
  publicUrl: URL
  secret: Uint8Array
  /** What they signed stays good; newest first. */
  previousSecrets: readonly Uint8Array[]
  chain: Omit<
    RawConfig['chain'],
    'rpcUrl' | 'relayerKey' | 'relayers' | 'agreementAbove' | 'confirmations'
  > & {
    /** At least one, in the order in which they are asked. */
    rpcUrl: readonly string[]
    relayerKey: Hex
    relayers: readonly Hex[]
    /** By token address: what is credited only when two nodes show it. */
    agreementAbove: ReadonlyMap<Address, bigint>
    /** By token address: how deep a transaction must be to count, by what it moves. */
    depths: ReadonlyMap<Address, readonly DepthStep[]>
  }
  escrow: Address
  /** By symbol, in the order of the file; the first is the default. */
  tokens: ReadonlyMap<string, Token>
  routes: readonly Route[]
  settlement: Omit<RawConfig['settlement'], 'threshold'> & { thresholds: ReadonlyMap<Address, bigint> }
  /** By token address. */
  exposure: ReadonlyMap<Address, ExposureLimits>
  losses: { budgets: ReadonlyMap<Address, LossBudget>; windowSeconds: number }
  withdrawals: { enabled: boolean; limits: ReadonlyMap<Address, WithdrawalLimits> }
}

/** Base units of one token. */
export type LossBudget = { perPayer: bigint; total: bigint }
export type WithdrawalLimits = {
  minimum: bigint
  dailyPerWallet: bigint
  dailyTotal: bigint
  holdAbove: bigint
}

/**
 * Checks a configuration and resolves its secrets from `environment`.
 * @throws {ConfigError} names the key, the rule and the fix; all complaints at once.
 */
export function parse(input: unknown, environment: Record<string, string | undefined>): Config {
  const parsed = schema.safeParse(input)
  if (!parsed.success) throw new ConfigError(parsed.error.issues.map(describe))
  const raw = parsed.data
  const complaints: string[] = []
  const check = <T>(key: string, read: () => T): T | undefined => {
    try {
      return read()
    } catch (error) {
      complaints.push(`${key}: ${error instanceof Error ? error.message : String(error)}`)
      return undefined
    }
  }
  const fromEnvironment = (reference: { env: string }) => {
    const value = environment[reference.env]
    if (value === undefined || value === '')
      throw new Error(`the environment variable ${reference.env} is not set. Fix: export ${reference.env}=…`)
    return value
  }

  const publicUrl = check('publicUrl', () => readPublicUrl(raw))
  const secret = check('secret', () => readSecret(fromEnvironment(raw.secret)))
  const previousSecrets = raw.previousSecrets.flatMap(
    (reference, index) =>
      check(`previousSecrets.${index}`, () => readSecret(fromEnvironment(reference))) ?? [],
  )
  const relayerKey = check('chain.relayerKey', () => readPrivateKey(fromEnvironment(raw.chain.relayerKey)))
  const rpcUrl = check('chain.rpcUrl', () => readRpcUrls(raw.chain.rpcUrl, fromEnvironment))
  const relayers = check('chain.relayers', () =>
    readRelayers(raw.chain.relayers, relayerKey, (reference) => readPrivateKey(fromEnvironment(reference))),
  )
  const tokens = new Map<string, Token>()
  for (const [symbol, token] of Object.entries(raw.tokens))
    check(`tokens.${symbol}`, () =>
      tokens.set(symbol, {
        symbol,
        address: token.address.toLowerCase() as Address,
        chainId: raw.chain.id,
        decimals: token.decimals,
        name: token.name,
        version: token.version,
        suggestedDeposit: Amount.parse(token.suggestedDeposit, token.decimals),
        leastDeposit: Amount.parse(token.leastDeposit, token.decimals),
      }),
    )
  const routes = raw.routes.flatMap(
    (route, index) => check(`routes.${index}`, () => readRoute(route, tokens)) ?? [],
  )
  const depths = new Map<Address, readonly DepthStep[]>()
  const exposure = new Map<Address, ExposureLimits>()
  for (const token of tokens.values()) {
    check('chain.confirmations', () => depths.set(token.address, readDepths(raw.chain.confirmations, token)))
    check('exposure', () => exposure.set(token.address, readExposure(raw.exposure, token)))
  }
  for (const [index, route] of routes.entries())
    check(`routes.${index}`, () => checkPrices(route, exposure.get(route.token.address)))
  const agreementAbove = check('chain.agreementAbove', () =>
    readAgreement(raw.chain.agreementAbove, [raw.chain.rpcUrl].flat().length, tokens.values()),
  )
  check('historyDays', () => checkHistory(raw))
  const thresholds = new Map<Address, bigint>()
  for (const token of tokens.values())
    check('settlement.threshold', () =>
      thresholds.set(token.address, Amount.parse(raw.settlement.threshold, token.decimals)),
    )
  const budgets = new Map<Address, LossBudget>()
  const withdrawalLimits = new Map<Address, WithdrawalLimits>()
  for (const token of tokens.values()) {
    check('losses', () => budgets.set(token.address, readLosses(raw.losses, token)))
    check('withdrawals', () => withdrawalLimits.set(token.address, readWithdrawals(raw.withdrawals, token)))
  }
  if (
    complaints.length > 0 ||
    publicUrl === undefined ||
    secret === undefined ||
    relayerKey === undefined ||
    rpcUrl === undefined ||
    relayers === undefined ||
    agreementAbove === undefined
  )
    throw new ConfigError(complaints)

  return {
    ...raw,
    publicUrl,
    secret,
    previousSecrets,
    chain: { ...raw.chain, rpcUrl, relayerKey, relayers, agreementAbove, depths },
    escrow: raw.escrow.toLowerCase() as Address,
    tokens,
    routes,
    settlement: { ...raw.settlement, thresholds },
    exposure,
    losses: { budgets, windowSeconds: raw.losses.windowSeconds },
    withdrawals: { enabled: raw.withdrawals.enabled, limits: withdrawalLimits },
  }
}

function readPublicUrl(raw: RawConfig): URL {
  const url = new URL(raw.publicUrl)
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== '')
    throw new Error(`${JSON.stringify(raw.publicUrl)} must be an origin. Fix: ${url.origin}`)
  if (url.protocol === 'http:' && !isLoopback(url.hostname))
    throw new Error(
      `${JSON.stringify(raw.publicUrl)} is plain http and not loopback. Fix: use https, with listen.tls or behind a TLS proxy.`,
    )
  if (url.protocol === 'https:' && raw.listen.tls === undefined && !raw.behindTlsProxy)
    throw new Error('is https, but nothing here speaks TLS. Fix: set listen.tls, or behindTlsProxy: true.')
  return url
}

/** True for hosts that never leave this machine. */
export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '')
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

function readSecret(value: string): Uint8Array {
  const bytes = Buffer.from(value, 'base64')
  if (bytes.length < 32)
    throw new Error(`holds ${bytes.length} bytes; it must hold at least 32. Fix: openssl rand -base64 32`)
  return new Uint8Array(bytes)
}

function readPrivateKey(value: string): Hex {
  if (!/^0x[0-9a-fA-F]{64}$/.test(value))
    throw new Error('must be 32 bytes of hex with 0x in front. Fix: printf 0x%s "$(openssl rand -hex 32)"')
  return value as Hex
}

function readRoute(route: RawConfig['routes'][number], tokens: ReadonlyMap<string, Token>): Route {
  const token = route.token === undefined ? tokens.values().next().value : tokens.get(route.token)
  if (token === undefined)
    throw new Error(
      `token ${JSON.stringify(route.token)} is not one of tokens: ${[...tokens.keys()].join(', ')}`,
    )
  if (route.brokenStream === 'per-byte' && route.settle === 'after' && route.rails.includes('charge'))
    throw new Error(
      'brokenStream "per-byte" gives a part back, and a charge that is settled after moves all of it or nothing. Fix: use "free" or "full", or another order of settlement.',
    )
  const target: Target =
    route.upstream === undefined ? { kind: 'app' } : { kind: 'upstream', url: new URL(route.upstream) }
  return {
    id: `${route.method} ${route.path}`,
    method: route.method,
    path: route.path,
    target,
    price: { kind: 'fixed', amount: Amount.parse(route.price, token.decimals) },
    token,
    rails: route.rails,
    settle: route.settle,
    brokenStream: route.brokenStream,
    earns: 'route',
    gate: route.gate === undefined ? null : readGate(route.gate, token),
    description: route.description ?? null,
    deadlineMs: route.deadlineMs,
    ...(route.stopOnDrift === undefined ? {} : { stopOnDrift: route.stopOnDrift }),
  }
}

function readLosses(losses: RawConfig['losses'], { decimals }: Token): LossBudget {
  return {
    perPayer: Amount.parse(losses.perPayer, decimals),
    total: Amount.parse(losses.total, decimals),
  }
}

function readWithdrawals(withdrawals: RawConfig['withdrawals'], { decimals }: Token): WithdrawalLimits {
  const { minimum, dailyPerWallet, dailyTotal, holdAbove } = withdrawals
  const limits = {
    minimum: Amount.parse(minimum, decimals),
    dailyPerWallet: Amount.parse(dailyPerWallet, decimals),
    dailyTotal: Amount.parse(dailyTotal, decimals),
    holdAbove: Amount.parse(holdAbove, decimals),
  }
  if (limits.minimum > limits.dailyPerWallet || limits.dailyPerWallet > limits.dailyTotal)
    throw new Error(
      `minimum ${minimum}, dailyPerWallet ${dailyPerWallet} and dailyTotal ${dailyTotal} must not fall. Fix: let each be at least the one before it.`,
    )
  return limits
}

function readGate(gate: NonNullable<RawConfig['routes'][number]['gate']>, token: Token): Gate {
  return {
    standard: gate.standard,
    token: gate.token.toLowerCase() as Address,
    id: gate.id === undefined ? null : BigInt(gate.id),
    minimum: BigInt(gate.minimum),
    effect:
      typeof gate.effect === 'string'
        ? { kind: gate.effect }
        : { kind: 'price', amount: Amount.parse(gate.effect.price, token.decimals) },
  }
}

function describe(issue: z.core.$ZodIssue): string {
  const key = issue.path.map(String).join('.') || 'configuration'
  return issue.code === 'unrecognized_keys'
    ? `${key}: does not know ${issue.keys.map((name) => JSON.stringify(name)).join(', ')}. Fix: check the spelling.`
    : `${key}: ${issue.message}`
}

/** What is not ready to be rolled up when its time has come would stay where it is for good. @throws {Error} */
function checkHistory({ historyDays, limits, settlement }: RawConfig): void {
  const refuse = (key: string, seconds: number, why: string) => {
    if (historyDays * 86_400 > seconds) return
    throw new Error(
      `${historyDays} days are not above ${key}, ${seconds} s: ${why}. Fix: raise historyDays, or lower ${key}`,
    )
  }
  refuse('limits.storedAnswerSeconds', limits.storedAnswerSeconds, 'a call is rolled up without its answer')
  refuse('settlement.maxAgeSeconds', settlement.maxAgeSeconds, 'a call is rolled up when it is settled')
}

/** A configuration that cannot be used. Lists every complaint as `key: rule. Fix: …`. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly complaints: readonly string[]

  constructor(complaints: readonly string[]) {
    super(`The configuration cannot be used:\n${complaints.map((line) => `  ${line}`).join('\n')}`)
    this.complaints = complaints
  }
}
