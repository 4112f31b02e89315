import type { Hex } from 'viem'
import * as EscrowCalls from '../chain/EscrowCalls.ts'
import type { Channel } from '../ledger/Channel.ts'
import type { Ledger } from '../ledger/Ledger.ts'
import type { Reorg } from '../ledger/Reorg.ts'
import { placeOf, type ReorgContext, sentAgain, shownBy, signedFor } from './reorg-context.ts'
import { judgeSettlement } from './reorg-judge.ts'

/** Looks after a settlement whose transaction is not where it was: its voucher is brought to the chain again. */
export async function healSettlement(context: ReorgContext, anchor: Reorg.Anchor): Promise<void> {
  const { ledger, chain } = context
  const channel = await ledger.channel(anchor.subject as Hex)
  if (channel === null) return
  const mined = await chain.receipt(anchor.ref.transaction)
  const events = mined?.status === 'succeeded' ? EscrowCalls.events(chain.escrow, mined.logs) : []
  const log = events.find(isSettlementOf(channel)) ?? null
  const onChain = (await chain.channel(channel.id))?.settled ?? 0n
  const shown = shownBy(mined, log, chain.confirmations)
  const verdict = judgeSettlement(shown, { booked: channel.settled, onChain })
  if (verdict === 'stands') await ledger.reorg.seen([{ id: anchor.id, state: 'standing', ...placeOf(log) }])
  if (verdict === 'replace') await replace(context, anchor, channel)
  if (verdict !== 'resend') return
  const signed = await signedFor(context, anchor)
  if (signed !== null && mined === null && (await sentAgain(context, signed.raw))) return
  await settleAgain(context, anchor, channel, onChain)
}

/** Somebody brought a voucher of it in another transaction. */
async function replace(context: ReorgContext, anchor: Reorg.Anchor, channel: Channel): Promise<void> {
  const { chain, fromBlock } = context
  const head = (await chain.head()).number
  for (let to = head; to >= fromBlock; to -= 1_000n) {
    const from = to - 999n < fromBlock ? fromBlock : to - 999n
    const found = (await chain.escrowEvents({ from, to })).findLast(isSettlementOf(channel))
    if (found !== undefined) return book(context, anchor, found)
  }
}

async function settleAgain(
  context: ReorgContext,
  anchor: Reorg.Anchor,
  channel: Channel,
  onChain: bigint,
): Promise<void> {
  const { ledger, chain, report } = context
  const voucher = await ledger.settleable(channel.id)
  const about = { channel: channel.id, transaction: anchor.ref.transaction }
  if (voucher === null || voucher.cumulative <= onChain) {
    report('error', 'settlement-missing', { ...about, reason: 'no voucher is at hand' })
    return
  }
  const data = EscrowCalls.settle({ channelId: channel.id, ...voucher })
  const outcome = await chain.submit({ kind: 'settle', subjects: [channel.id], to: chain.escrow, data })
  if (outcome.status === 'unknown' || (outcome.status === 'rejected' && outcome.reason === 'under-way'))
    return
  if (outcome.status !== 'succeeded') {
    report('error', 'settlement-missing', { ...about, reason: outcome.reason })
    return
  }
  const found = EscrowCalls.events(chain.escrow, outcome.mined.logs).find(isSettlementOf(channel))
  if (found !== undefined) await book(context, anchor, found)
}

async function book(
  { ledger, chain, report }: ReorgContext,
  anchor: Reorg.Anchor,
  { transaction, logIndex, block, blockHash }: EscrowCalls.Event,
): Promise<void> {
  const again: Ledger.ChainRef = {
    chainId: chain.id,
    transaction,
    logIndex,
    block,
    ...(blockHash === undefined ? {} : { blockHash }),
  }
  await ledger.reorg.reversed({ anchor: anchor.id, reason: 'settled-in-another-transaction', again })
  report('info', 'reorg-replaced', { channel: anchor.subject, transaction, before: anchor.ref.transaction })
}

const isSettlementOf = (channel: Channel) => (event: EscrowCalls.Event) =>
  event.name === 'settled' && event.channelId.toLowerCase() === channel.id
