import { highest, lowest } from '../bigint.ts'
import { PaymentRefusedError } from '../errors.ts'
import type { State } from '../store/State.ts'
import type { Limits } from './Limits.ts'

type Spending = State['spending']

/** Channels that may be opened with one origin in a day. More would lock up deposit after deposit. */
const maxOpened = 5

/**
 * Counts what a signature gives away, before it is made, and refuses when that is too much. Called inside the store's
 * update, so that the count is durable before anything is signed and two processes cannot both have the last cent.
 * @param state changed in place.
 * @param payment `price` is what the call costs, `increase` what the signature adds to what can be taken, `ahead` the part
 *   of that which is for calls to come. Base units.
 * @throws {PaymentRefusedError} `limit-per-call`, `limit-per-host`, `limit-per-day`.
 */
export function count(
  state: State,
  payment: Host & { price: bigint; increase: bigint; ahead?: bigint; now: number },
  limits: Limits,
): void {
  const most = highest(payment.price, payment.increase - (payment.ahead ?? 0n))
  if (most > limits.perCall) throw exceeded('call', most, limits.perCall)
  const spending = today(state, payment.now)
  const asset = `${payment.chainId}:${payment.token}`
  const entry = spending.tokens[asset] ?? { total: 0n, hosts: {} }
  const total = entry.total + payment.increase
  if (total > limits.perDay) throw exceeded('day', total, limits.perDay)
  const host = (entry.hosts[payment.host] ?? 0n) + payment.increase
  const perHost = limits.perHost ?? limits.perDay
  if (host > perHost) throw exceeded('host', host, perHost)
  spending.tokens[asset] = { total, hosts: { ...entry.hosts, [payment.host]: host } }
}

/** What may still be signed away today. Changes nothing but the day. */
export function left(
  state: State,
  { chainId, token, host, now }: Host & { now: number },
  limits: Limits,
): bigint {
  const entry = today(state, now).tokens[`${chainId}:${token}`]
  const perHost = limits.perHost ?? limits.perDay
  return lowest(limits.perDay - (entry?.total ?? 0n), perHost - (entry?.hosts[host] ?? 0n))
}

/** Who is paid, in which token. */
type Host = { chainId: number; token: string; host: string }

/** Takes a counted amount back: for what was asked from a balance and refused. Changes the state in place. */
export function uncount(state: State, payment: Host & { amount: bigint }): void {
  const entry = state.spending.tokens[`${payment.chainId}:${payment.token}`]
  const host = entry?.hosts[payment.host]
  if (entry === undefined || host === undefined || host < payment.amount) return
  entry.total -= payment.amount
  entry.hosts[payment.host] = host - payment.amount
}

/**
 * Counts the opening of a channel.
 * @param state changed in place.
 * @throws {PaymentRefusedError} `too-many-channels`.
 */
export function countOpening(state: State, origin: string, now: number): void {
  const spending = today(state, now)
  const opened = (spending.opened[origin] ?? 0) + 1
  if (opened > maxOpened)
    throw new PaymentRefusedError({
      code: 'too-many-channels',
      rule: 'limits.deposit',
      message: `${origin} has had ${maxOpened} channels today and asks for another.`,
      fix: 'see `farthing channels`; close the old ones, or pay per call with rail charge.',
    })
  spending.opened[origin] = opened
}

/** Today's counters. A clock that was set back does not start a day anew. */
function today(state: State, now: number): Spending {
  const day = new Date(now).toISOString().slice(0, 10)
  if (day > state.spending.day) state.spending = { day, tokens: {}, opened: {} }
  return state.spending
}

function exceeded(unit: 'call' | 'host' | 'day', asked: bigint, limit: bigint): PaymentRefusedError {
  const name = unit === 'call' ? 'perCall' : unit === 'host' ? 'perHost' : 'perDay'
  const what =
    unit === 'call'
      ? 'This call costs'
      : unit === 'host'
        ? 'With this call the host gets'
        : 'With this call the day costs'
  return new PaymentRefusedError({
    code: `limit-per-${unit}`,
    rule: `limits.${name}`,
    message: `${what} ${asked} base units; the limit is ${limit}.`,
    fix: `raise limits.${name} if you agree to the price.`,
  })
}
