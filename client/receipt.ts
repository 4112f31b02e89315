import type { Address, Hex } from 'viem'
import { fromWire } from '../gateway/protocol/Amount.ts'
import * as Receipt from '../gateway/protocol/Receipt.ts'
import type { PublicKey } from '../gateway/protocol/SignedReceipt.ts'
import * as SignedReceipt from '../gateway/protocol/SignedReceipt.ts'
import * as SettlementResponse from '../gateway/protocol/x402/SettlementResponse.ts'
import type { Context } from './Context.ts'
import { receiptKey } from './Discovery.ts'
import { ReceiptError } from './errors.ts'
import { rotatedKey } from './rotated-key.ts'

/** What a receipt proves about a paid call. Amounts in base units. */
export type Paid = {
  /** Who vouches: a signed Farthing receipt, a stock MPP or x402 header, or nobody. */
  proof: 'farthing' | 'mpp' | 'x402' | 'none'
  amount: bigint
  paymentId?: string | undefined
  transaction?: string | undefined
  /** Channels only: what the gateway holds and what it has charged. */
  accepted?: bigint | undefined
  spent?: bigint | undefined
}

/** What was signed, against which the receipt is checked. */
export type Expected = {
  origin: string
  rail: 'charge' | 'channel' | 'balance'
  /** The most this call may have cost. */
  amount: bigint
  chainId: number
  token: Address
  channel?: { channelId: Hex; signed: bigint } | undefined
}

/**
 * Reads and checks the receipt of an answer. Undefined when the answer carries none and owes none: the call was not
 * charged. A successful answer of a stock server without any receipt counts as charged in full.
 * @throws {ReceiptError} forged, for somebody else, above what was signed, or missing where one is owed.
 */
export async function readReceipt(
  context: Context,
  response: Response,
  expected: Expected,
): Promise<Paid | undefined> {
  try {
    const signed = await farthing(context, response, expected)
    if (signed !== undefined) return signed
    if (response.ok && (await receiptKey(context, expected.origin)) !== undefined)
      throw wrong(response, `The answer of ${expected.origin} has no ${SignedReceipt.header}, and owes one.`)
    const paid = stock(response, expected, context.address)
    if (paid !== undefined) return paid
  } catch (error) {
    if (error instanceof ReceiptError) throw error
    throw wrong(response, error instanceof Error ? error.message : 'The receipt cannot be read.', error)
  }
  return response.ok ? { proof: 'none', amount: expected.amount } : undefined
}

async function farthing(context: Context, response: Response, expected: Expected): Promise<Paid | undefined> {
  const header = response.headers.get(SignedReceipt.header)
  if (header === null) return undefined
  const key = await receiptKey(context, expected.origin)
  if (key === undefined)
    throw wrong(response, `${expected.origin} states no receipt key to check its receipt with.`)
  const claims = await verified(context, header, key, expected.origin)
  const asset = `eip155:${expected.chainId}/erc20:${expected.token}`
  if (claims.sub !== context.address) throw wrong(response, `The receipt is for wallet ${claims.sub}.`)
  if (claims.rail !== expected.rail) throw wrong(response, `The receipt is for rail ${claims.rail}.`)
  if (claims.asset.toLowerCase() !== asset) throw wrong(response, `The receipt is not for ${asset}.`)
  const paid: Paid = {
    proof: 'farthing',
    amount: claims.amount,
    paymentId: claims.jti,
    transaction: claims.transaction,
    accepted: claims.acceptedCumulative,
    spent: claims.spent,
  }
  return checked(paid, claims.channelId, response, expected)
}

/** By the pinned key, or by the one that it has handed over to. */
async function verified(context: Context, header: string, key: PublicKey, origin: string) {
  try {
    return await SignedReceipt.verify(header, key)
  } catch (error) {
    const next = await rotatedKey(context, origin, key)
    if (next === undefined) throw error
    return SignedReceipt.verify(header, next)
  }
}

/** The headers of a stock server: nobody signs them, so they are only held against what was signed here. */
function stock(response: Response, expected: Expected, address: Address): Paid | undefined {
  const mpp = response.headers.get(Receipt.header)
  if (mpp !== null) {
    const receipt = Receipt.parse(mpp)
    const paid: Paid = {
      proof: 'mpp',
      amount: receipt.amount === undefined ? expected.amount : fromWire(receipt.amount),
      paymentId: receipt.paymentId,
      transaction: receipt.txHash ?? (receipt.channelId === undefined ? receipt.reference : undefined),
      accepted: receipt.acceptedCumulative === undefined ? undefined : fromWire(receipt.acceptedCumulative),
      spent: receipt.spent === undefined ? undefined : fromWire(receipt.spent),
    }
    return checked(paid, receipt.channelId, response, expected)
  }
  const x402 = response.headers.get(SettlementResponse.header)
  if (x402 === null) return undefined
  const settlement = SettlementResponse.parse(x402)
  if (!settlement.success) return undefined
  if (settlement.payer !== undefined && settlement.payer.toLowerCase() !== address)
    throw wrong(response, `The settlement is for wallet ${settlement.payer.slice(0, 42)}.`)
  const amount = settlement.amount === undefined ? expected.amount : fromWire(settlement.amount)
  return checked(
    { proof: 'x402', amount, transaction: settlement.transaction },
    undefined,
    response,
    expected,
  )
}

function checked(paid: Paid, channelId: string | undefined, response: Response, expected: Expected): Paid {
  if (paid.amount > expected.amount)
    throw wrong(response, `The receipt says ${paid.amount} base units; ${expected.amount} were agreed.`)
  if (expected.channel === undefined) return paid
  const { channel } = expected
  if (channelId !== undefined && channelId.toLowerCase() !== channel.channelId)
    throw wrong(response, `The receipt is for channel ${channelId.slice(0, 66)}.`)
  if (paid.accepted !== undefined && paid.accepted > channel.signed)
    throw wrong(response, `The receipt says ${paid.accepted} accepted; ${channel.signed} were signed.`)
  if (paid.spent !== undefined && paid.spent > (paid.accepted ?? channel.signed))
    throw wrong(response, `The receipt says ${paid.spent} spent, more than was accepted.`)
  return paid
}

function wrong(response: Response, message: string, cause?: unknown): ReceiptError {
  return new ReceiptError({
    code: 'receipt-invalid',
    message,
    fix: 'stop paying this server and ask its operator; the answer is in error.response.',
    response,
    cause,
  })
}
