import * as z from 'zod/mini'
import { address, amount } from '../../gateway/protocol/Schema.ts'
import * as Channel from '../channel/Channel.ts'
import * as Charge from '../charge/Charge.ts'

/** Everything the client must remember. Versioned; amounts are decimal text where it is written down. No key is in it. */
export const schema = z.object({
  version: z.literal(1),
  /** By channel id. */
  channels: z.record(z.string(), Channel.schema),
  /** Transfers without an answer, by idempotency key. */
  charges: z.record(z.string(), Charge.schema),
  /** By origin: the terms first seen there, which later offers must match. */
  pins: z.record(
    z.string(),
    z.object({
      chainId: z.optional(z.int()),
      token: z.optional(address),
      payee: z.optional(address),
      escrow: z.optional(address),
      /** `x` of the gateway's Ed25519 receipt key. */
      receiptKey: z.optional(z.string()),
    }),
  ),
  /** What was signed away today, in UTC. */
  spending: z.object({
    day: z.string(),
    /** By `chainId:token`. */
    tokens: z.record(z.string(), z.object({ total: amount, hosts: z.record(z.string(), amount) })),
    /** Channels opened, by origin. */
    opened: z.record(z.string(), z.number()),
  }),
})
export type State = z.infer<typeof schema>
export type Pin = State['pins'][string]

/** The state of somebody who has never paid. */
export function empty(): State {
  return { version: 1, channels: {}, charges: {}, pins: {}, spending: { day: '', tokens: {}, opened: {} } }
}

/** A copy that shares nothing with the original. A state is plain objects and values, so this is a part of structuredClone's cost. */
export function copy(state: State): State {
  return copied(state)
}

function copied<value extends object>(from: value): value {
  const to = {} as value
  for (const name of Object.keys(from) as (keyof value & string)[]) {
    const member = from[name]
    const value = typeof member === 'object' && member !== null ? copied(member) : member
    // Names may come from callers: this one would not become a member by itself.
    if (name === '__proto__') Object.defineProperty(to, name, { value, ...ownMember })
    else to[name] = value
  }
  return to
}

const ownMember = { enumerable: true, configurable: true, writable: true }

/** Text of the state. */
export function serialize(state: State): string {
  return `${JSON.stringify(state, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value), 2)}\n`
}

/** Reads {@link serialize}'s text. @throws {InvalidStateError} not a state of this version. */
export function parse(text: string): State {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new InvalidStateError('it is not JSON')
  }
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw new InvalidStateError(z.prettifyError(parsed.error).slice(0, 200))
  return parsed.data
}

/** A state that cannot be read. It is never overwritten: it may be the only record of signed vouchers. */
export class InvalidStateError extends Error {
  override readonly name = 'InvalidStateError'
  constructor(reason: string) {
    super(
      `The stored state cannot be read: ${reason}. Fix: restore it from a copy, or move it away and recover the channels.`,
    )
  }
}
