import type { Hex } from 'viem'
import * as EscrowCalls from '../chain/EscrowCalls.ts'
import { unixSeconds } from '../clock.ts'
import type { Reorg } from '../ledger/Reorg.ts'
import { placeOf, type ReorgContext, refOf, sentAgain, shownBy, signedFor } from './reorg-context.ts'
import { judgeClose } from './reorg-judge.ts'

/**
 * Looks after the end of a channel that is not where it was. While the very same transaction can still be mined the channel
 * stays closed here; otherwise it is open again, as it is on chain. One that was closed by us is closed again: its payer was
 * told so. One that its payer had withdrawn can be settled now.
 */
export async function healClose(context: ReorgContext, anchor: Reorg.Anchor): Promise<void> {
  const { ledger, chain, clock, report } = context
  const channel = await ledger.channel(anchor.subject as Hex)
  if (channel === null) return
  const ask = chain.evidence(channel.token, channel.deposit)
  const mined = await ask.receipt(anchor.ref.transaction)
  const logs = mined?.status === 'succeeded' ? EscrowCalls.events(chain.escrow, mined.logs) : []
  const log = logs.find(
    ({ name, channelId }) =>
      channelId.toLowerCase() === channel.id && (name === 'closed' || name === 'withdrawn'),
  )
  const depth = chain.depth(channel.token, channel.deposit)
  const deep = (await ask.head()).number - BigInt(depth) + 1n
  const found = deep < 0n ? null : await ask.channel(channel.id, deep)
  const signed = await signedFor(context, anchor)
  const shown = shownBy(mined, log ?? null, depth)
  const verdict = judgeClose(shown, { closed: found?.finalized ?? false, ours: signed !== null })

  if (verdict === 'stands' && log !== undefined) {
    await ledger.channelFinalized(channel.id, refOf(chain, log))
    await ledger.reorg.seen([{ id: anchor.id, state: 'standing', ...placeOf(log) }])
  }
  if (verdict === 'replace')
    await ledger.reorg.seen([{ id: anchor.id, state: 'final', reason: 'closed-in-another-transaction' }])
  if (verdict === 'resend' && mined === null && signed !== null && (await sentAgain(context, signed.raw)))
    return
  if (verdict !== 'resend' && verdict !== 'reverse') return

  const asked = found === null || found.closeRequestedAt === 0n ? null : Number(found.closeRequestedAt)
  const again = signed !== null && found !== null
  await ledger.reorg.reopened({
    anchor: anchor.id,
    reason: 'the chain took it back',
    // What is closed again takes no calls until then.
    closeRequestedAt: again ? (asked ?? unixSeconds(clock)) : asked,
  })
  if (!channel.finalized) return
  report('error', 'close-reversed', { channel: channel.id, transaction: anchor.ref.transaction, again })
  if (again) await context.close(channel.id)
}
