import { type Address, getAddress } from 'viem'
import { parseSiweMessage } from 'viem/siwe'
import * as z from 'zod/mini'
import type { Context } from '../Context.ts'
import { PaymentError, PaymentRefusedError } from '../errors.ts'
import { readBounded } from '../read-bounded.ts'
import { requireSecure } from '../require-secure.ts'

/** Signing in with the wallet (EIP-4361), for what a gateway keeps for it: a balance, and the list of its channels. */

const question = z.object({
  nonce: z.string().check(z.maxLength(256)),
  message: z.string().check(z.maxLength(4_096)),
})

const answer = z.object({
  token: z.string().check(z.regex(/^[\x21-\x7e]{1,4096}$/)),
  wallet: z.string(),
  expiresAt: z.union([z.string(), z.number()]),
})

/** A session with one gateway. */
export type SignedIn = {
  token: string
  wallet: Address /** Milliseconds since the epoch. */
  expiresAt: number
}

/**
 * The bearer token for an origin: the one at hand, or a new one. The gateway's text is signed only when it is a sign-in
 * to that very origin, by this wallet, with the nonce it gave, and nothing else.
 * @throws {PaymentRefusedError} `sign-in-text`. @throws {PaymentError} `sign-in-failed`.
 */
export function signIn(context: Context, origin: string): Promise<SignedIn> {
  return context.mutex.run(`sign in ${origin}`, async () => {
    const held = context.bearers.get(origin)
    if (held !== undefined && held.expiresAt > context.clock.now() + 5_000)
      return { ...held, wallet: context.address }
    const fresh = await ask(context, origin)
    context.bearers.set(origin, fresh)
    return fresh
  })
}

/** Ends the session with an origin, there and here. */
export async function signOut(context: Context, origin: string): Promise<void> {
  const held = context.bearers.get(origin)
  context.bearers.delete(origin)
  if (held === undefined) return
  const response = await context.fetch(`${origin}/farthing/sign-in`, {
    method: 'DELETE',
    redirect: 'error',
    headers: { Authorization: `Bearer ${held.token}` },
  })
  await response.body?.cancel()
}

/** `GET` with the session, JSON back. A session that ended is replaced once. @throws {PaymentError} */
export async function getSignedIn(context: Context, origin: string, path: string): Promise<unknown> {
  for (let attempt = 1; ; attempt++) {
    const { token } = await signIn(context, origin)
    const headers = { accept: 'application/json', Authorization: `Bearer ${token}` }
    const response = await context.fetch(`${origin}${path}`, { redirect: 'error', headers })
    if (response.status !== 401 || attempt === 2) return json(response, path)
    await response.body?.cancel()
    context.bearers.delete(origin)
  }
}

async function ask(context: Context, origin: string): Promise<SignedIn> {
  const url = new URL(origin)
  requireSecure(url, context.allowInsecure)
  const path = '/farthing/sign-in'
  const asked = await context.fetch(`${origin}${path}?address=${getAddress(context.address)}`, {
    redirect: 'error',
  })
  const { nonce, message } = read(question, await json(asked, path), path)
  check(context, url, nonce, message)
  const { signMessage } = context.account
  if (signMessage === undefined) throw failed('the account cannot sign messages')
  const signature = await signMessage({ message })
  const response = await context.fetch(`${origin}${path}`, {
    method: 'POST',
    redirect: 'error',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ message, signature }),
  })
  const { token, expiresAt } = read(answer, await json(response, path), path)
  const milliseconds =
    typeof expiresAt === 'string' ? Date.parse(expiresAt) : expiresAt < 1e11 ? expiresAt * 1000 : expiresAt
  return { token, wallet: context.address, expiresAt: Number.isNaN(milliseconds) ? 0 : milliseconds }
}

function check(context: Context, url: URL, nonce: string, message: string): void {
  const parsed = parseSiweMessage(message)
  const complaint =
    parsed.domain !== url.host
      ? `it signs in to ${JSON.stringify(parsed.domain ?? '').slice(0, 80)}, not to ${url.host}`
      : parsed.address?.toLowerCase() !== context.address
        ? 'it is for another wallet'
        : parsed.nonce !== nonce
          ? 'its nonce is not the one given'
          : parsed.uri === undefined || !sameOrigin(parsed.uri, url)
            ? 'its URI is of another origin'
            : (parsed.resources?.length ?? 0) > 0
              ? 'it grants resources'
              : undefined
  if (complaint !== undefined)
    throw new PaymentRefusedError({
      code: 'sign-in-text',
      rule: 'sign-in',
      message: `The sign-in text of ${url.origin} is not signed: ${complaint}.`,
      fix: 'reach the gateway by its public URL, the one it is configured with.',
    })
}

function sameOrigin(uri: string, url: URL): boolean {
  try {
    return new URL(uri).origin === url.origin
  } catch {
    return false
  }
}

async function json(response: Response, path: string): Promise<unknown> {
  if (!response.ok || response.body === null) {
    await response.body?.cancel()
    throw failed(`${path} answered ${response.status}`)
  }
  const bytes = await readBounded(response.body, 4_194_304)
  if (bytes === undefined) throw failed(`${path} answered more than 4 MB`)
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    throw failed(`${path} did not answer JSON`)
  }
}

/** Reads an answer by its schema. @throws {PaymentError} `sign-in-failed`. */
export function read<schema extends z.ZodMiniType>(
  schema: schema,
  value: unknown,
  path: string,
): z.infer<schema> {
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw failed(`${path} answered something else`)
  return parsed.data
}

function failed(reason: string): PaymentError {
  return new PaymentError({
    code: 'sign-in-failed',
    message: `The gateway could not be asked as this wallet: ${reason}.`,
    fix: 'see that the URL is that of a Farthing gateway.',
  })
}
