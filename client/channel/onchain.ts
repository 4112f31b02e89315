import { type Address, type Hex, zeroAddress } from 'viem'
import { escrowAbi, tokenAbi } from '../../gateway/protocol/abi.ts'
import type { Chain, Context } from '../Context.ts'
import { ChannelError } from '../errors.ts'
import type { Channel } from './Channel.ts'

/** What the client sends to the chain itself, where the gateway does not pay for it or does not answer. */

/** A channel as the escrow has it. Amounts in base units, `closeRequestedAt` in Unix seconds, 0 for none. */
export type OnchainChannel = {
  payer: Address
  deposit: bigint
  settled: bigint
  closeRequestedAt: bigint
  finalized: boolean
}

/** Reads a channel from its escrow. Undefined without access to the chain, or when the escrow knows none. */
export async function readChannel(
  context: Context,
  channel: Pick<Channel, 'channelId' | 'chainId' | 'escrow'>,
): Promise<OnchainChannel | undefined> {
  if (context.chain === undefined) return undefined
  await demandChain(context.chain, channel.chainId)
  const read = await context.chain.publicClient.readContract({
    address: channel.escrow,
    abi: escrowAbi,
    functionName: 'getChannel',
    args: [channel.channelId],
  })
  return read.payer === zeroAddress ? undefined : { ...read, payer: read.payer.toLowerCase() as Address }
}

/** Approves the deposit and opens the channel. When it is open already, finds the transaction that did it. */
export async function openOnchain(context: Context, channel: Channel): Promise<Hex> {
  const { salt, escrow, deposit, payee, token } = channel
  const { chain } = context
  if (chain === undefined || salt === undefined) throw noChain('open a channel')
  if ((await readChannel(context, channel)) !== undefined) {
    const events = await chain.publicClient.getContractEvents({
      address: escrow,
      abi: escrowAbi,
      eventName: 'ChannelOpened',
      args: { channelId: channel.channelId },
      fromBlock: 'earliest',
    })
    const hash = events[0]?.transactionHash
    if (hash !== undefined) return hash
  }
  await approve(context, token, escrow, deposit)
  return write(context, escrow, 'open', [payee, token, deposit, salt, zeroAddress])
}

/** Approves and adds to a deposit. */
export async function topUpOnchain(context: Context, channel: Channel, additional: bigint): Promise<Hex> {
  await demandChain(context.chain, channel.chainId)
  await approve(context, channel.token, channel.escrow, additional)
  return write(context, channel.escrow, 'topUp', [channel.channelId, additional])
}

/** Calls the escrow and waits until the call is in a block. @throws {ChannelError} `no-chain`, `reverted`. */
export async function write(
  context: Context,
  escrow: Address,
  functionName: 'open' | 'topUp' | 'requestClose' | 'withdraw',
  args: readonly unknown[],
): Promise<Hex> {
  return transact(context, functionName, { address: escrow, abi: escrowAbi, functionName, args })
}

function approve(context: Context, token: Address, spender: Address, amount: bigint): Promise<Hex> {
  const args = [spender, amount]
  return transact(context, 'approve', { address: token, abi: tokenAbi, functionName: 'approve', args })
}

async function transact(
  context: Context,
  what: string,
  contract: { address: Address; abi: readonly unknown[]; functionName: string; args: readonly unknown[] },
): Promise<Hex> {
  const wallet = context.chain?.walletClient
  if (context.chain === undefined || wallet === undefined || wallet.account === undefined) throw noChain(what)
  const hash = await wallet.writeContract({ ...contract, account: wallet.account, chain: null })
  const receipt = await context.chain.publicClient.waitForTransactionReceipt({ hash })
  if (receipt.status !== 'success')
    throw new ChannelError({
      code: 'reverted',
      message: `Transaction ${hash} (${what}) was reverted.`,
      fix: 'look it up on the chain; nothing has changed.',
    })
  return hash
}

async function demandChain(chain: Chain | undefined, chainId: number): Promise<void> {
  if (chain === undefined) throw noChain('read the chain')
  const actual = await chain.publicClient.getChainId()
  if (actual !== chainId)
    throw new ChannelError({
      code: 'other-chain',
      message: `The RPC speaks for chain ${actual}; the channel is on chain ${chainId}.`,
      fix: 'give the rpcUrl of that chain.',
    })
}

function noChain(what: string): ChannelError {
  return new ChannelError({
    code: 'no-chain',
    message: `To ${what} the client must send a transaction and cannot.`,
    fix: 'give rpcUrl and an account that signs transactions, or publicClient and walletClient.',
  })
}
