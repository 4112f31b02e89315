import * as z from 'zod/mini'
import { address } from '../gateway/protocol/Schema.ts'
import type { PublicKey } from '../gateway/protocol/SignedReceipt.ts'
import type { Context } from './Context.ts'
import { readBounded } from './read-bounded.ts'

/** What a gateway says about itself at `GET /farthing`: as much as the client uses. All of it is the server's word. */

const text = z.string().check(z.minLength(1), z.maxLength(64))

const schema = z.object({
  name: z.optional(z.string()),
  chainId: z.optional(z.int()),
  escrow: z.optional(address),
  payee: z.optional(address),
  tokens: z.optional(
    z.array(
      z.object({
        address,
        symbol: z.optional(text),
        decimals: z.optional(z.int().check(z.gte(0), z.lte(36))),
        name: z.optional(text),
        version: z.optional(text),
      }),
    ),
  ),
  receiptKey: z.optional(
    z.object({
      kty: z.literal('OKP'),
      crv: z.literal('Ed25519'),
      x: z.string().check(z.regex(/^[A-Za-z0-9_-]{43}$/)),
    }),
  ),
  /** Each by a previous receipt key, naming the current one. */
  receiptKeyRotations: z.optional(z.array(z.string().check(z.maxLength(1_024))).check(z.maxLength(16))),
})
export type Discovery = z.infer<typeof schema>

/** Asks the origin once in the life of this client. Null for a server that is no Farthing gateway. */
export function discover(context: Context, origin: string): Promise<Discovery | null> {
  const known = context.discoveries.get(origin)
  if (known !== undefined) return known
  const asked = ask(context, origin)
  context.discoveries.set(origin, asked)
  return asked
}

/**
 * The key that signs this origin's receipts: the one pinned in the store, or the one its discovery document states,
 * which is pinned from then on. Undefined for a server without one.
 */
export async function receiptKey(context: Context, origin: string): Promise<PublicKey | undefined> {
  const { pins } = await context.store.read()
  const pinned = pins[origin]?.receiptKey
  if (pinned !== undefined) return { kty: 'OKP', crv: 'Ed25519', x: pinned }
  const stated = (await discover(context, origin))?.receiptKey
  if (stated === undefined) return undefined
  const x = await context.store.update((state) => {
    const pin = state.pins[origin] ?? {}
    pin.receiptKey ??= stated.x
    state.pins[origin] = pin
    return pin.receiptKey
  })
  return { kty: 'OKP', crv: 'Ed25519', x }
}

async function ask(context: Context, origin: string): Promise<Discovery | null> {
  try {
    const response = await context.fetch(`${origin}/farthing`, {
      redirect: 'error',
      headers: { accept: 'application/json' },
    })
    if (!response.ok || response.body === null) return null
    const bytes = await readBounded(response.body, 1_048_576)
    if (bytes === undefined) return null
    const parsed = schema.safeParse(JSON.parse(new TextDecoder().decode(bytes)))
    return parsed.success ? parsed.data : null
  } catch {
    context.discoveries.delete(origin)
    return null
  }
}
