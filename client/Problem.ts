import * as z from 'zod/mini'
import { amount, bytes32 } from '../gateway/protocol/Schema.ts'
import { readBounded } from './read-bounded.ts'

/** What a gateway says about an answer that is no success (RFC 9457), read with care: every member may be missing. */

const channel = z.object({
  channelId: bytes32,
  acceptedCumulative: z.optional(amount),
  spent: z.optional(amount),
  deposit: z.optional(amount),
  requiredCumulative: z.optional(amount),
})

const schema = z.object({
  type: z.optional(z.string()),
  title: z.optional(z.string()),
  detail: z.optional(z.string()),
  code: z.optional(z.string()),
  paymentId: z.optional(z.string().check(z.regex(/^[\w:.-]{1,128}$/))),
  channel: z.optional(channel),
})
export type Problem = z.infer<typeof schema>
export type ChannelState = z.infer<typeof channel>

/** Reads a copy of the body, at most 64 kB; the answer itself stays readable. Empty when there is nothing to read. */
export async function read(response: Response): Promise<Problem> {
  if (!/\bjson\b/i.test(response.headers.get('content-type') ?? '')) return {}
  const body = response.clone().body
  if (body === null) return {}
  try {
    const bytes = await readBounded(body, 65_536)
    if (bytes === undefined) return {}
    const members: unknown = JSON.parse(new TextDecoder().decode(bytes))
    if (typeof members !== 'object' || members === null) return {}
    return lenient(members)
  } catch {
    return {}
  }
}

/** The code, or the last part of the type: `https://paymentauth.org/problems/session/delta-too-small`. */
export function code(problem: Problem): string {
  return problem.code ?? problem.type?.split('/').at(-1) ?? ''
}

/** Keeps each member that reads well and forgets the others. */
function lenient(members: object): Problem {
  const parsed = schema.safeParse(members)
  if (parsed.success) return parsed.data
  const problem: Record<string, unknown> = {}
  for (const [name, member] of Object.entries(schema.shape)) {
    const value = z.safeParse(member, (members as Record<string, unknown>)[name])
    if (value.success && value.data !== undefined) problem[name] = value.data
  }
  return problem as Problem
}
