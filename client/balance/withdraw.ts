import { type Address, type Hex, keccak256, toBytes } from 'viem'
import * as Amount from '../../gateway/protocol/Amount.ts'
import * as WithdrawalRequest from '../../gateway/protocol/WithdrawalRequest.ts'
import type { Context } from '../Context.ts'
import { unixSeconds } from '../clock.ts'
import { type Discovery, discover } from '../Discovery.ts'
import { PaymentError, PaymentRefusedError } from '../errors.ts'
import { requireSecure } from '../require-secure.ts'
import { signIn } from './SignIn.ts'
import { parse, type Request, type Withdrawal } from './Withdrawal.ts'

/** Seconds that a signed request stays usable. */
const lifetime = 600n

/** How often one request is sent until somebody answers. */
const attempts = 4

/**
 * Asks a gateway to pay credit out on chain. To this wallet it takes a session (Sign-In with Ethereum); to anybody else a
 * signature over exactly these terms. Asking again under the same key, also after a lost answer, is the same withdrawal.
 * @throws {PaymentError} `withdrawal-refused`, `withdrawal-unknown`, `no-such-token`. @throws {PaymentRefusedError}
 */
export async function withdraw(context: Context, origin: string, request: Request): Promise<Withdrawal> {
  requireSecure(new URL(origin), context.allowInsecure)
  const key = request.idempotencyKey ?? crypto.randomUUID()
  const to = (request.to?.toLowerCase() ?? context.address) as Address
  const stated = await discover(context, origin)
  const token = stated?.tokens?.find(
    ({ symbol }) => request.symbol === undefined || symbol === request.symbol,
  )
  if (stated === null || token?.symbol === undefined || token.decimals === undefined)
    throw new PaymentError({
      code: 'no-such-token',
      message: `${origin} states no token ${request.symbol ?? 'at all'} to pay out.`,
      fix: 'see that it is a Farthing gateway; `farthing balance` lists what it holds.',
    })
  const amount = Amount.format(request.amount, token.decimals)
  const body = { amount, symbol: token.symbol }
  if (to === context.address)
    return post(context, origin, key, body, async () => ({
      Authorization: `Bearer ${(await signIn(context, origin)).token}`,
    }))
  const signed = await sign(context, origin, stated, { ...request, to, token: token.address, key })
  return post(context, origin, key, { ...body, to, signed }, async () => ({}))
}

type Terms = { amount: bigint; to: Address; token: Address; key: string }

/** Signs the request for the payee and the escrow that this origin has always named, and for no other. */
async function sign(context: Context, origin: string, stated: Discovery, terms: Terms) {
  const { chainId, escrow, payee } = stated
  if (chainId === undefined || escrow === undefined || payee === undefined)
    throw new PaymentError({
      code: 'no-such-token',
      message: `${origin} does not state its chain, escrow and payee.`,
      fix: 'withdraw to the wallet itself, which needs no signed request.',
    })
  await demandPins(context, origin, { chainId, escrow, payee })
  const message: WithdrawalRequest.WithdrawalRequest = {
    wallet: context.address,
    payee,
    token: terms.token,
    amount: terms.amount,
    to: terms.to,
    nonce: keccak256(toBytes(`${origin} ${terms.key}`)),
    deadline: unixSeconds(context.clock) + lifetime,
  }
  const signature: Hex = await context.account.signTypedData(
    WithdrawalRequest.typedData({ chainId, escrow }, message),
  )
  return { wallet: message.wallet, nonce: message.nonce, deadline: Number(message.deadline), signature }
}

async function demandPins(
  context: Context,
  origin: string,
  stated: { chainId: number; escrow: Address; payee: Address },
): Promise<void> {
  const { pins } = await context.store.read()
  const seen = pins[origin]
  for (const name of ['chainId', 'escrow', 'payee'] as const)
    if (seen?.[name] !== undefined && seen[name] !== stated[name])
      throw new PaymentRefusedError({
        code: 'pin-mismatch',
        rule: `pins.${name}s`,
        message: `${origin} states ${name} ${stated[name]}; it has always been ${seen[name]}.`,
        fix: 'forget the origin if you trust the new terms.',
      })
}

async function post(
  context: Context,
  origin: string,
  key: string,
  body: object,
  headers: () => Promise<Record<string, string>>,
): Promise<Withdrawal> {
  let cause: unknown
  for (let attempt = 1; attempt <= attempts; attempt++) {
    if (attempt > 1) await context.clock.wait(250 * 2 ** attempt)
    const authorised = await headers()
    try {
      const response = await context.fetch(`${origin}/farthing/withdrawals`, {
        method: 'POST',
        redirect: 'error',
        headers: { ...authorised, 'Content-Type': 'application/json', 'Idempotency-Key': key },
        body: JSON.stringify(body),
      })
      if (response.status === 401 && 'Authorization' in authorised && attempt === 1)
        context.bearers.delete(origin)
      else if (response.status < 500) return await parse(response, key)
      await response.body?.cancel()
    } catch (error) {
      if (error instanceof PaymentError) throw error
      cause = error
    }
  }
  throw new PaymentError({
    code: 'withdrawal-unknown',
    message: `Withdrawal ${key} was asked for and nobody answered.`,
    fix: `ask again with idempotency key ${key}: it is the same withdrawal.`,
    cause,
  })
}
