import type { Hex } from 'viem'
import type { Chain } from '../chain/Chain.ts'
import * as EscrowCalls from '../chain/EscrowCalls.ts'
import type { Channel } from '../ledger/Channel.ts'
import type { Ledger } from '../ledger/Ledger.ts'
import type { Reorg } from '../ledger/Reorg.ts'
import { split } from './reconcile.ts'
import { placeOf, type ReorgContext, refOf, sentAgain, shownBy, signedFor } from './reorg-context.ts'
import { judgeSettlements } from './reorg-judge.ts'

type Settled = Extract<EscrowCalls.Event, { name: 'settled' }>
type Looked = { anchor: Reorg.Anchor; mined: Chain.Mined | null; log: Settled | null }

/**
 * Looks after the settlements of one channel that are not where they were. While the very same transactions can still be
 * mined nothing is booked. Otherwise the books follow what the chain shows, and what is unsettled then is settled as if it
 * had never been.
 */
export async function healSettlements(
  context: ReorgContext,
  channelId: Hex,
  anchors: readonly Reorg.Anchor[],
): Promise<void> {
  const { ledger, chain } = context
  const channel = await ledger.channel(channelId)
  if (channel === null) return
  const ask = chain.evidence(channel.token, channel.deposit)
  const looked = await Promise.all(anchors.map((anchor) => look(ask, channel, anchor, chain)))
  const shown = looked.map(({ anchor, mined, log }) => {
    const where = shownBy(mined, log, chain.confirmations)
    // The same transaction settles more when one before it is gone.
    return where === 'deep' && log?.delta !== anchor.amount ? 'otherwise' : where
  })
  const deep = (await ask.head()).number - BigInt(chain.confirmations) + 1n
  const found = deep < 0n ? null : await ask.channel(channel.id, deep)
  const onChain = { settled: found?.settled ?? 0n, open: found !== null && !found.finalized }
  const verdict = judgeSettlements(shown, { booked: channel.settled, ...onChain })

  if (verdict === 'stands')
    await ledger.reorg.seen(
      looked.map(({ anchor, log }) => ({ id: anchor.id, state: 'standing', ...placeOf(log) })),
    )
  const gone = looked.filter((_, index) => shown[index] === 'nowhere' || shown[index] === 'otherwise')
  if (verdict === 'resend' && (await anySentAgain(context, gone))) return
  if (verdict === 'resend' || verdict === 'follow')
    await follow(context, ask, channel, { gone, deep, reason: 'the chain took it back' })
}

async function look(
  ask: Chain.Evidence,
  channel: Channel,
  anchor: Reorg.Anchor,
  { escrow }: Pick<Chain, 'escrow'>,
): Promise<Looked> {
  const mined = await ask.receipt(anchor.ref.transaction)
  const events = mined?.status === 'succeeded' ? EscrowCalls.events(escrow, mined.logs) : []
  return { anchor, mined, log: events.find(isSettlementOf(channel)) ?? null }
}

async function anySentAgain(context: ReorgContext, gone: readonly Looked[]): Promise<boolean> {
  let sent = false
  for (const { anchor, mined } of gone) {
    const signed = mined === null ? await signedFor(context, anchor) : null
    if (signed !== null && (await sentAgain(context, signed.raw))) sent = true
  }
  return sent
}

/** Books what the chain shows in place of what is gone. */
async function follow(
  { ledger, chain, fromBlock, horizon, report, settleFirst }: ReorgContext,
  ask: Chain.Evidence,
  channel: Channel,
  { gone, deep, reason }: { gone: readonly Looked[]; deep: bigint; reason: string },
): Promise<void> {
  const oldest = gone.reduce<bigint>((least, { anchor }) => {
    const { block } = anchor.ref
    return block < least ? block : least
  }, deep)
  const from = oldest - BigInt(horizon) < fromBlock ? fromBlock : oldest - BigInt(horizon)
  const now: { cumulative: bigint; ref: Ledger.ChainRef }[] = []
  for (const range of split({ from, to: deep }, 1_000n))
    for (const event of await ask.escrowEvents(range))
      if (isSettlementOf(channel)(event)) now.push({ cumulative: event.cumulative, ref: refOf(chain, event) })
  const ids = gone.map(({ anchor }) => anchor.id)
  const after = await ledger.reorg.resettled({ channel: channel.id, gone: ids, reason, now, from })
  const [settled, before] = [after.settled, channel.settled]
  report(settled < before ? 'error' : 'info', settled < before ? 'settlement-reversed' : 'reorg-replaced', {
    channel: channel.id,
    settled,
    before,
    transactions: gone.map(({ anchor }) => anchor.ref.transaction),
  })
  if (settled < before && !after.finalized) settleFirst(channel.id)
}

const isSettlementOf =
  (channel: Channel) =>
  (event: EscrowCalls.Event): event is Settled =>
    event.name === 'settled' && event.channelId.toLowerCase() === channel.id
