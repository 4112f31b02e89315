import type { Channel } from '../../Channel.ts'
import type { Doubts } from '../../Doubts.ts'
import type { Ledger } from '../../Ledger.ts'
import type { Payment } from '../../Payment.ts'
import { type Body, plain, type Said } from './append.ts'

/** What the trail says of each operation. Amounts in base units as decimal digits; never a signature or an answer. */

/** A fresh claim; or only its voucher, where that was accepted and not enough. */
export function claimed(result: Doubts.ClaimResult): Said {
  if (result.outcome === 'fresh') {
    const { id, rail, route, wallet, asset, amount, channelId, cumulative } = result.payment
    const body = { rail, route, wallet, asset, amount: String(amount) }
    const voucher = channelId === null ? {} : { channel: channelId, voucher: String(cumulative) }
    return { kind: 'claim', subject: id, body: { ...body, ...voucher } }
  }
  if ('channel' in result && result.channel !== null) return voucher(result)
  return { kind: 'claim', subject: 'payment' in result ? result.payment.id : '', body: {} }
}

/** A voucher that was accepted. */
export function voucher(result: Ledger.ClaimResult | Ledger.VoucherResult): Said {
  const channel = 'channel' in result ? result.channel : null
  const body = channel === null ? {} : { accepted: String(channel.accepted) }
  return { kind: 'voucher', subject: channel?.id ?? '', body }
}

/** A payment moved on: capture, complete, void, refund, settling, unknown, settled, lost. */
export function paid(kind: string): (payment: Payment) => Said {
  return ({ id, charged, delivery, money, reason, transaction }) => ({
    kind,
    subject: id,
    body: {
      charged: String(charged),
      delivery,
      money,
      ...(transaction === null ? {} : { transaction }),
      ...(reason === null ? {} : { reason: plain(reason) }),
    },
  })
}

/** The chain was followed: seen, settled, close requested, finalized; or an operator decided about a channel. */
export function channel(kind: string): (channel: Channel) => Said {
  return (channel) => ({ kind, subject: channel.id, body: stateOf(channel) })
}

/** A close that was begun. */
export function closeBegun(result: Ledger.BeginCloseResult): Said {
  return channel('close-requested')(result.channel)
}

function stateOf(channel: Channel): Body {
  const { deposit, settled, accepted, spent, closeRequestedAt, finalized, suspended } = channel
  const counters = { deposit, settled, accepted, spent }
  return {
    ...Object.fromEntries(Object.entries(counters).map(([name, value]) => [name, String(value)])),
    finalized,
    ...(closeRequestedAt === null ? {} : { closeRequestedAt }),
    ...(suspended === null ? {} : { suspended: plain(suspended) }),
  }
}

/** What is sent and what became of it, by its hash and never by its bytes. */
export function intent(kind: string): (intent: Ledger.Intent) => Said {
  return ({ id, chainId, kind: what, subjects, from, nonce, hash, state, reason }) => ({
    kind,
    subject: id,
    body: {
      chainId,
      what,
      subjects,
      from,
      nonce,
      hash,
      state,
      ...(reason === null ? {} : { reason: plain(reason) }),
    },
  })
}

/** What ended long ago was moved into the history. */
export function rolledUp(
  segment: number,
  what: { payments: number; transfers: number; events: number; hash: string },
): Said {
  return { kind: 'history', subject: String(segment), body: what }
}

/** A wallet signed in. The token, and what it is stored under, stay out of it. */
export function session({ wallet, chainId, expiresAt }: Ledger.Session): Said {
  return { kind: 'session', subject: wallet.toLowerCase(), body: { chainId, expiresAt } }
}
