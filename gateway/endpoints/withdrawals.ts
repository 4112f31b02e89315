import { randomBytes } from 'node:crypto'
import { Hono } from 'hono'
import { type Address, type Hex, zeroAddress } from 'viem'
import * as z from 'zod'
import { unixSeconds } from '../clock.ts'
import type { WithdrawalLimits } from '../config/Config.ts'
import type { Deps } from '../deps.ts'
import type * as Ledger from '../ledger/Withdrawal.ts'
import * as Amount from '../protocol/Amount.ts'
import { readCredential } from '../request/read-credential.ts'
import * as Token from '../routes/Token.ts'
import { readJson } from './body.ts'
import { walletOf } from './session-of.ts'
import {
  IdempotencyKeyNeededError,
  NoSuchWithdrawalError,
  RecipientRefusedError,
  SignatureNeededError,
  WithdrawalAmountError,
  WithdrawalConflictError,
  WithdrawalLimitError,
  WithdrawalsDisabledError,
  WithdrawalUnauthorisedError,
} from './withdrawal-error.ts'

const day = 86_400_000
const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/, 'is not a 20-byte 0x address')
const body = z.strictObject({
  amount: z.string().max(80),
  symbol: z.string().max(16),
  to: address.optional(),
  /** A signed request (EIP-712, `gateway/protocol/WithdrawalRequest.ts`) needs no session. */
  signed: z
    .strictObject({
      wallet: address,
      nonce: z.string().regex(/^0x[0-9a-fA-F]{64}$/, 'is not 32 bytes of 0x hex'),
      deadline: z.int().min(0).max(1e12),
      signature: z.string().regex(/^0x(?:[0-9a-fA-F]{2}){64,4096}$/, 'is not a signature in 0x hex'),
    })
    .optional(),
})
type Body = z.output<typeof body>

/** `POST` asks for credit to be paid out on chain, `GET` says what became of that. */
export function withdrawalEndpoints(deps: Deps): Hono {
  const { ledger, clock, config } = deps
  const app = new Hono()
  app.post('/withdrawals', async (c) => {
    if (!config.withdrawals.enabled) throw new WithdrawalsDisabledError()
    const asked = await readJson(c.req.raw, body)
    const terms = readTerms(asked, deps)
    const { limits, ...request } = await authorise(c.req.raw, asked, terms, deps)
    const now = clock.now()
    const result = await ledger.withdrawals.request({
      id: `wd_${randomBytes(16).toString('base64url')}`,
      ...request,
      limits: {
        perWallet: limits.dailyPerWallet,
        total: limits.dailyTotal,
        holdAbove: limits.holdAbove,
        since: now - day,
      },
      now,
    })
    switch (result.outcome) {
      case 'fresh':
        deps.payouts.wake()
        return c.json(describe(result.withdrawal, deps), 202)
      case 'replayed':
        return c.json(describe(result.withdrawal, deps), 200)
      case 'conflict':
        throw new WithdrawalConflictError()
      case 'insufficient':
        throw new WithdrawalAmountError(
          409,
          'insufficient-credit',
          `${terms.token.symbol} ${Amount.format(result.available, terms.token.decimals)} is available; ${asked.amount} is asked for.`,
          { available: result.available.toString() },
        )
      case 'over-limit':
        throw new WithdrawalLimitError(result.limit, Amount.format(result.left, terms.token.decimals))
    }
  })
  app.get('/withdrawals', async (c) => {
    const wallet = await walletOf(c.req.raw, deps)
    const withdrawals = await ledger.withdrawals.list({ wallet, limit: 100 })
    return c.json({ withdrawals: withdrawals.map((withdrawal) => describe(withdrawal, deps)) })
  })
  app.get('/withdrawals/:id', async (c) => {
    const id = c.req.param('id')
    const known = /^wd_[A-Za-z0-9_-]{22}$/.test(id) ? await ledger.withdrawals.withdrawal(id) : null
    if (known === null) throw new NoSuchWithdrawalError()
    return c.json(describe(known, deps))
  })
  return app
}

type Terms = { token: Token.Token; amount: bigint; limits: WithdrawalLimits; to: Address | null }

/** What is asked for, in base units. @throws {WithdrawalAmountError | RecipientRefusedError} */
function readTerms({ amount, symbol, to }: Body, { config, chain }: Deps): Terms {
  const token = config.tokens.get(symbol)
  const limits = token === undefined ? undefined : config.withdrawals.limits.get(token.address)
  if (token === undefined || limits === undefined)
    throw new WithdrawalAmountError(
      400,
      'no-such-token',
      `There is no token ${JSON.stringify(symbol)} here; there is ${[...config.tokens.keys()].join(', ')}.`,
    )
  const units = readAmount(amount, token)
  if (units < limits.minimum || units === 0n)
    throw new WithdrawalAmountError(
      400,
      'withdrawal-too-small',
      `${amount} ${symbol} is below the least withdrawal, ${Amount.format(limits.minimum, token.decimals)}.`,
      { minimum: limits.minimum.toString() },
    )
  const recipient = to === undefined ? null : (to.toLowerCase() as Address)
  const contracts = [...config.tokens.values()].map((known) => known.address)
  if (recipient !== null && [zeroAddress, chain.payee, chain.escrow, ...contracts].includes(recipient))
    throw new RecipientRefusedError(recipient)
  return { token, amount: units, limits, to: recipient }
}

function readAmount(text: string, token: Token.Token): bigint {
  try {
    return Amount.parse(text, token.decimals)
  } catch (error) {
    if (error instanceof Amount.InvalidAmountError)
      throw new WithdrawalAmountError(400, 'withdrawal-amount', error.message)
    throw error
  }
}

type Authorised = Pick<Ledger.Request, 'wallet' | 'asset' | 'amount' | 'to' | 'key' | 'nonce'> & {
  limits: WithdrawalLimits
}

/**
 * Who may take this out. A session may be stolen, so it moves credit to its own wallet and nowhere else; a signature over
 * exactly these terms moves it wherever it says.
 */
async function authorise(
  request: Request,
  { signed }: Body,
  { token, amount, limits, to }: Terms,
  deps: Deps,
): Promise<Authorised> {
  const { idempotencyKey } = readCredential((name) => request.headers.get(name))
  const shared = { asset: Token.asset(token), amount, limits }
  if (signed === undefined) {
    const wallet = await walletOf(request, deps)
    if (to !== null && to !== wallet) throw new SignatureNeededError(wallet)
    if (idempotencyKey === null) throw new IdempotencyKeyNeededError()
    return { ...shared, wallet, to: wallet, nonce: null, key: `withdrawal:${wallet}:key:${idempotencyKey}` }
  }
  const wallet = signed.wallet.toLowerCase() as Address
  const nonce = signed.nonce.toLowerCase() as Hex
  const recipient = to ?? wallet
  const message = {
    wallet,
    payee: deps.chain.payee,
    token: token.address,
    amount,
    to: recipient,
    nonce,
    deadline: BigInt(signed.deadline),
  }
  if (signed.deadline <= unixSeconds(deps.clock)) throw new WithdrawalUnauthorisedError()
  if (!(await deps.chain.verifyWithdrawal(message, signed.signature.toLowerCase() as Hex)))
    throw new WithdrawalUnauthorisedError()
  const key = idempotencyKey === null ? `nonce:${nonce}` : `key:${idempotencyKey}`
  return { ...shared, wallet, to: recipient, nonce, key: `withdrawal:${wallet}:${key}` }
}

/** Amounts in base units as decimal digits, `formatted` in the token's unit. */
function describe(withdrawal: Ledger.Withdrawal, { config }: Deps) {
  const token = [...config.tokens.values()].find(({ address }) => withdrawal.asset.endsWith(`:${address}`))
  const { id, wallet, to, asset, state, transaction, reason, createdAt, updatedAt } = withdrawal
  return {
    id,
    state,
    wallet,
    to,
    asset,
    amount: withdrawal.amount.toString(),
    ...(token === undefined
      ? {}
      : { symbol: token.symbol, formatted: Amount.format(withdrawal.amount, token.decimals) }),
    transaction,
    reason,
    createdAt,
    updatedAt,
    status: `/farthing/withdrawals/${id}`,
  }
}
