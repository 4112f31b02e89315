import type { Hex } from 'viem'
import type { Chain } from '../chain/Chain.ts'
import * as EscrowCalls from '../chain/EscrowCalls.ts'
import * as SignedTransaction from '../chain/SignedTransaction.ts'
import type { Channel } from '../ledger/Channel.ts'
import type { Reorg } from '../ledger/Reorg.ts'
import {
  isUnderWay,
  ours,
  placeOf,
  type ReorgContext,
  sentAgain,
  shownBy,
  signedFor,
} from './reorg-context.ts'
import { judgeDeposit } from './reorg-judge.ts'

/** Looks after a deposit whose transaction is not where it was. Its channel takes no calls until it is there again. */
export async function healDeposit(context: ReorgContext, anchor: Reorg.Anchor): Promise<void> {
  const { ledger, chain } = context
  const channel = await ledger.channel(anchor.subject as Hex)
  if (channel === null) return
  const depth = chain.depth(channel.token, anchor.amount)
  const ask = chain.evidence(channel.token, anchor.amount)
  const mined = await ask.receipt(anchor.ref.transaction)
  const logs = mined?.status === 'succeeded' ? EscrowCalls.events(chain.escrow, mined.logs) : []
  const log = logs.find(
    ({ name, channelId }) =>
      channelId.toLowerCase() === channel.id && (name === 'opened' || name === 'topped-up'),
  )
  const shown = shownBy(mined, log ?? null, depth)
  const onChain = await depositAt(ask, channel, depth)
  const signed = await signedFor(context, anchor)
  const verdict = judgeDeposit(shown, { booked: channel.deposit, onChain }, signed !== null)

  if (verdict === 'stands' || verdict === 'replace') {
    await ledger.reorg.depositNow({ channel: channel.id, onChain, gone: false })
    const state = verdict === 'stands' ? 'standing' : 'final'
    await ledger.reorg.seen([{ id: anchor.id, state, ...placeOf(log ?? null) }])
    return
  }
  // It stops first, whatever comes of sending it again.
  await ledger.reorg.depositNow({ channel: channel.id, onChain, gone: anchor.state === 'reversed' })
  if (verdict === 'resend' && signed !== null) {
    if (mined === null && (await sentAgain(context, signed.raw))) return
    const outcome = await relayAgain(context, channel, signed)
    if (outcome === 'waits') return
    if (outcome === 'made') {
      await ledger.reorg.seen([{ id: anchor.id, state: 'final', reason: 'made-in-another-transaction' }])
      return
    }
    // The very same transaction may have been mined meanwhile: then this one had to be refused. Looked at again.
    if (((await ask.channel(channel.id))?.deposit ?? 0n) >= channel.deposit) return
    await giveUp(context, anchor, channel, onChain, outcome.refused)
  } else if (verdict === 'reverse') {
    await giveUp(context, anchor, channel, onChain, 'its transaction is gone')
  }
}

/** What the escrow holds for a channel, as deep as it must be to count. */
async function depositAt(ask: Chain.Evidence, { id }: Channel, depth: number): Promise<bigint> {
  const deep = (await ask.head()).number - BigInt(depth) + 1n
  return deep < 0n ? 0n : ((await ask.channel(id, deep))?.deposit ?? 0n)
}

/**
 * The payer's authorization may still be good: the same call, in a new transaction. Its gas is counted, whatever the budget
 * says: what was spent of the deposit is lost without it.
 */
async function relayAgain(
  { chain, book, ledger, clock }: ReorgContext,
  channel: Channel,
  { intent, raw }: NonNullable<Awaited<ReturnType<typeof signedFor>>>,
): Promise<'made' | 'waits' | { refused: string }> {
  const call = SignedTransaction.parse(raw)?.call
  if (call === undefined) return { refused: 'the transaction cannot be read' }
  if (await isUnderWay({ ledger }, channel.id)) return 'waits'
  const { to, data } = call
  const confirmations = chain.depth(channel.token, channel.deposit)
  const relay = await ledger.relays.take({
    payer: channel.payer,
    limits: unlimited,
    since: 0,
    now: clock.now(),
  })
  const outcome = await chain.submit({ kind: intent.kind, subjects: [channel.id], to, data, confirmations })
  if (outcome.status === 'rejected' && relay.outcome === 'granted') await ledger.relays.giveBack(relay.id)
  if (outcome.status === 'unknown') return 'waits'
  if (outcome.status !== 'succeeded') return ours.test(outcome.reason) ? 'waits' : { refused: outcome.reason }
  await book.apply(outcome.mined)
  return 'made'
}

/** It will not come by itself: what was spent of it is the payer's debt, and at risk until it is paid. */
async function giveUp(
  { ledger, report }: ReorgContext,
  anchor: Reorg.Anchor,
  channel: Channel,
  onChain: bigint,
  reason: string,
): Promise<void> {
  const now = await ledger.reorg.depositNow({ channel: channel.id, onChain, gone: true })
  if (anchor.state === 'reversed') return
  await ledger.reorg.seen([{ id: anchor.id, state: 'reversed', reason }])
  const { deposit, spent, inDebt } = now
  const details = { channel: channel.id, deposit, onChain, spent, atRisk: inDebt }
  report('error', 'deposit-reversed', { ...details, transaction: anchor.ref.transaction, reason })
}

const most = Number.MAX_SAFE_INTEGER
const unlimited = { payer: most, newcomers: most, total: most }
