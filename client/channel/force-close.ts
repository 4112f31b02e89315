import type { Hex } from 'viem'
import { escrowAbi } from '../../gateway/protocol/abi.ts'
import type { Context } from '../Context.ts'
import { ChannelError } from '../errors.ts'
import { known } from './close-channel.ts'
import { readChannel, write } from './onchain.ts'

/**
 * Forced close, first step: tells the escrow that the payer wants out (draft-evm-session-00, "Forced Close"). For a
 * gateway that does not answer. The payee may still settle until the grace period ends.
 * @returns when `withdraw` becomes possible, in milliseconds since the epoch.
 * @throws {ChannelError} `no-chain`, `reverted`, `channel-unknown`.
 */
export async function requestClose(
  context: Context,
  channelId: Hex,
): Promise<{ transaction: Hex | undefined; readyAt: number }> {
  const channel = await known(context, channelId)
  const before = await readChannel(context, channel)
  if (context.chain === undefined || before === undefined) throw notOnChain(channelId)
  const transaction =
    before.closeRequestedAt > 0n
      ? undefined
      : await write(context, channel.escrow, 'requestClose', [channelId])
  const after = await readChannel(context, channel)
  const grace = await context.chain.publicClient.readContract({
    address: channel.escrow,
    abi: escrowAbi,
    functionName: 'CLOSE_GRACE_PERIOD',
  })
  const requestedAt = after?.closeRequestedAt ?? before.closeRequestedAt
  return { transaction, readyAt: Number(requestedAt + grace) * 1000 }
}

/**
 * Forced close, second step: takes the unsettled rest back once the grace period is over.
 * @throws {ChannelError} `no-chain`, `reverted`, `channel-unknown`. viem's error when it is too early.
 */
export async function withdraw(
  context: Context,
  channelId: Hex,
): Promise<{ transaction: Hex; refunded: bigint }> {
  const channel = await known(context, channelId)
  const before = await readChannel(context, channel)
  if (before === undefined) throw notOnChain(channelId)
  const transaction = await write(context, channel.escrow, 'withdraw', [channelId])
  const after = await readChannel(context, channel)
  await context.store.update((state) => {
    const current = state.channels[channelId]
    if (current !== undefined) state.channels[channelId] = { ...current, state: 'closed', reserved: {} }
  })
  return { transaction, refunded: before.deposit - (after?.settled ?? before.settled) }
}

function notOnChain(channelId: Hex): ChannelError {
  return new ChannelError({
    code: 'not-on-chain',
    message: `Channel ${channelId} cannot be found on the chain.`,
    fix: 'give the rpcUrl of its chain.',
  })
}
