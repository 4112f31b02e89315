import type { Address } from 'viem'
import * as z from 'zod/mini'
import { address, amount } from '../../gateway/protocol/Schema.ts'
import type { Context } from '../Context.ts'
import { PaymentError } from '../errors.ts'
import { plain } from '../plain.ts'
import { readBounded } from '../read-bounded.ts'

/** Credit on its way out, as the gateway says it. */
const schema = z.object({
  id: z.string().check(z.regex(/^[\w-]{1,64}$/)),
  /** `requested`, `held-for-operator`, `paying`, `unknown`, `paid` or `failed`; another gateway may have other words. */
  state: z.string().check(z.maxLength(32)),
  wallet: address,
  to: address,
  amount,
  symbol: z.optional(z.string().check(z.maxLength(64))),
  transaction: z.optional(z.nullable(z.string().check(z.maxLength(66)))),
  reason: z.optional(z.nullable(z.string().check(z.maxLength(1_024)))),
})
export type Withdrawal = z.infer<typeof schema>

/** What is asked for. Amount in base units. */
export type Request = {
  amount: bigint
  /** Default: the gateway's first token. */
  symbol?: string | undefined
  /** Who is paid. Default: this wallet. */
  to?: Address | undefined
  /** Asking again under the same key is the same withdrawal. Default: a new one. */
  idempotencyKey?: string | undefined
}

/** True when nothing more will become of it. */
export function isOver({ state }: Withdrawal): boolean {
  return state === 'paid' || state === 'failed'
}

/** What became of a withdrawal. @throws {PaymentError} `withdrawal-refused`: there is none of this id. */
export async function readWithdrawal(context: Context, origin: string, id: string): Promise<Withdrawal> {
  const url = `${origin}/farthing/withdrawals/${encodeURIComponent(id)}`
  const response = await context.fetch(url, { redirect: 'error', headers: { accept: 'application/json' } })
  return parse(response, id)
}

/** Reads an answer. @throws {PaymentError} `withdrawal-refused`. */
export async function parse(response: Response, key: string): Promise<Withdrawal> {
  const bytes = response.body === null ? undefined : await readBounded(response.body, 65_536)
  const value = json(bytes)
  if (response.ok) {
    const parsed = schema.safeParse(value)
    if (parsed.success) return parsed.data
  }
  const { code = '', detail = '' } = (problem.safeParse(value).data ?? {}) as z.infer<typeof problem>
  throw new PaymentError({
    code: 'withdrawal-refused',
    message: `Withdrawal ${key} was answered ${response.status} ${plain(code, 60)}: ${JSON.stringify(plain(detail, 300))}.`,
    fix: response.ok ? 'see that the URL is that of a Farthing gateway.' : 'change what is asked for.',
  })
}

const problem = z.object({ code: z.optional(z.string()), detail: z.optional(z.string()) })

function json(bytes: Uint8Array | undefined): unknown {
  try {
    return bytes === undefined ? undefined : JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return undefined
  }
}
