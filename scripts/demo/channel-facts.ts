import { type Hex, parseEventLogs } from 'viem'
import { escrowAbi } from '../../gateway/protocol/abi.ts'
import type { DevStack } from '../dev/dev-stack.ts'

/** What the chain says of one channel. Amounts in base units as decimal digits. */
export type ChannelFacts = { onchainTransactions: number; deposit: string; settled: string; refunded: string }

/** Reads the channel from the escrow, and counts the transactions that touched it. */
export async function channelFacts({ chain }: DevStack, channelId: Hex): Promise<ChannelFacts> {
  const { publicClient, escrow } = chain
  const channel = await publicClient.readContract({
    address: escrow,
    abi: escrowAbi,
    functionName: 'getChannel',
    args: [channelId],
  })
  const logs = parseEventLogs({
    abi: escrowAbi,
    logs: await publicClient.getLogs({ address: escrow, fromBlock: 0n }),
  }).filter((log) => 'channelId' in log.args && log.args.channelId === channelId)
  const closed = logs.find((log) => log.eventName === 'ChannelClosed')
  return {
    onchainTransactions: new Set(logs.map(({ transactionHash }) => transactionHash)).size,
    deposit: channel.deposit.toString(),
    settled: channel.settled.toString(),
    refunded: closed?.eventName === 'ChannelClosed' ? closed.args.refundedToPayer.toString() : '0',
  }
}
