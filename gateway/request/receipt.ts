import type { Hex } from 'viem'
import { unixSeconds } from '../clock.ts'
import type { Deps } from '../deps.ts'
import type { Channel } from '../ledger/Channel.ts'
import type { Dialect, Payment } from '../ledger/Payment.ts'
import * as Receipt from '../protocol/Receipt.ts'
import * as SignedReceipt from '../protocol/SignedReceipt.ts'
import * as SettlementResponse from '../protocol/x402/SettlementResponse.ts'
import type { Fields } from '../upstream/Fields.ts'

/** What a receipt is about. Amounts in base units. */
export type Receipted = {
  payment: Payment
  channel: Channel | null
  dialect: Dialect
  challengeId: string | null
}

/**
 * Receipt headers of a paid answer: the gateway's own signed one, and that of the dialect the caller spoke. What an upstream
 * may not say itself, so they replace nothing.
 */
export async function receiptHeaders(receipted: Receipted, deps: Deps): Promise<Fields> {
  const { payment, dialect } = receipted
  const own = [SignedReceipt.header.toLowerCase(), await signedReceipt(receipted, deps)]
  if (dialect === 'mpp') return [...own, Receipt.header.toLowerCase(), mpp(receipted, deps)]
  if (dialect === 'session') return own
  const response = SettlementResponse.serialize({
    success: true,
    payer: payment.wallet,
    transaction: payment.transaction ?? '',
    network: `eip155:${deps.chain.id}`,
    amount: payment.charged.toString(),
  })
  return [...own, SettlementResponse.header.toLowerCase(), response]
}

/** The receipt of a channel's open, top-up, voucher or close: no call was paid (draft-evm-session-00, "Receipt"). */
export function managedReceipt(
  channel: Channel,
  { transaction, challengeId, proven }: { transaction: Hex | null; challengeId: string; proven: boolean },
  deps: Deps,
): Fields {
  const { acceptedCumulative, spent, ...rest } = session(channel, challengeId, deps)
  const receipt = {
    ...rest,
    ...(proven ? { acceptedCumulative, spent } : {}),
    ...(transaction === null ? {} : { txHash: transaction }),
  }
  return [Receipt.header.toLowerCase(), Receipt.serialize(receipt)]
}

/** The gateway's own receipt. */
export function signedReceipt(
  { payment, channel }: Pick<Receipted, 'payment' | 'channel'>,
  { config, clock, receipts }: Deps,
): Promise<string> {
  return receipts.sign({
    jti: payment.id,
    iss: config.publicUrl.origin,
    sub: payment.wallet,
    iat: unixSeconds(clock),
    route: payment.route,
    rail: payment.rail,
    amount: payment.charged,
    asset: payment.asset,
    transaction: payment.transaction ?? undefined,
    channelId: channel?.id,
    acceptedCumulative: channel?.accepted,
    spent: channel?.spent,
  })
}

function mpp({ payment, channel, challengeId }: Receipted, deps: Deps): string {
  const paid = { paymentId: payment.id, amount: payment.charged.toString() }
  if (channel !== null) return Receipt.serialize(session(channel, challengeId ?? '', deps, paid))
  return Receipt.serialize({
    status: 'success',
    method: 'evm',
    intent: 'charge',
    timestamp: new Date(deps.clock.now()).toISOString(),
    reference: payment.transaction ?? payment.id,
    chainId: deps.chain.id,
    ...(challengeId === null ? {} : { challengeId }),
    ...paid,
  })
}

/** Members in the order of RFC 8785, so that nobody has to sort them. */
function session(
  channel: Channel,
  challengeId: string,
  { clock }: Deps,
  paid?: { paymentId: string; amount: string },
): Receipt.Receipt {
  return {
    acceptedCumulative: channel.accepted.toString(),
    amount: paid?.amount,
    chainId: channel.chainId,
    challengeId,
    channelId: channel.id,
    intent: 'session',
    method: 'evm',
    paymentId: paid?.paymentId,
    reference: channel.id,
    spent: channel.spent.toString(),
    status: 'success',
    timestamp: new Date(clock.now()).toISOString(),
    units: paid === undefined ? undefined : 1,
  }
}
