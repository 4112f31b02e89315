import {
  AbiDecodingDataSizeTooSmallError,
  type Address,
  BaseError,
  ContractFunctionZeroDataError,
  formatLog,
  type Hex,
  hexToBigInt,
  type Log,
  numberToHex,
  type PublicClient,
  parseAbi,
  type RpcLog,
  zeroAddress,
} from 'viem'
import { escrowAbi, tokenAbi } from '../protocol/abi.ts'
import type { Chain } from './Chain.ts'
import { asking } from './ChainUnavailableError.ts'
import { decodeRevert } from './decode-revert.ts'
import * as EscrowCalls from './EscrowCalls.ts'
import { readReceipt } from './receipt.ts'
import * as TokenCalls from './TokenCalls.ts'

export type Reads = Pick<
  Chain,
  | 'graceSeconds'
  | 'head'
  | 'block'
  | 'channel'
  | 'sent'
  | 'balanceOf'
  | 'holding'
  | 'authorizationUsed'
  | 'receipt'
  | 'escrowEvents'
  | 'transfers'
  | 'authorizationUse'
  | 'shortfall'
>

/** Everything that is only asked of the chain. */
export function createReads(options: { client: PublicClient; escrow: Address; payee: Address }): Reads {
  const { client, escrow, payee } = options
  const logs = (address: Address, topics: (Hex | Hex[] | null)[], range: Chain.Range) =>
    getLogs(client, address, topics, range)

  let grace: number | null = null
  return {
    async graceSeconds() {
      grace ??= await asking('CLOSE_GRACE_PERIOD', async () =>
        Number(
          await client.readContract({ address: escrow, abi: escrowAbi, functionName: 'CLOSE_GRACE_PERIOD' }),
        ),
      )
      return grace
    },
    head: () =>
      asking('eth_getBlockByNumber', async () => {
        const { number, hash, timestamp } = await client.getBlock()
        return { number, hash, timestamp: Number(timestamp) }
      }),
    block: (number) =>
      asking('eth_getBlockByNumber', async () => {
        const params = [numberToHex(number), false] as [Hex, false]
        const found = await client.request({ method: 'eth_getBlockByNumber', params })
        if (found === null || found.hash === null) return null
        return { number, hash: found.hash, timestamp: Number(hexToBigInt(found.timestamp)) }
      }),
    channel: (id, at) =>
      asking('getChannel', async () => {
        const found = await client.readContract({
          address: escrow,
          abi: escrowAbi,
          functionName: 'getChannel',
          args: [id],
          ...(at === undefined ? {} : { blockNumber: at }),
        })
        if (found.payer === zeroAddress) return null
        const { payer, token, authorizedSigner, deposit, settled, closeRequestedAt, finalized } = found
        const signer = lower(authorizedSigner === zeroAddress ? payer : authorizedSigner)
        const parties = { payer: lower(payer), payee: lower(found.payee), token: lower(token), signer }
        return { ...parties, deposit, settled, closeRequestedAt, finalized }
      }),
    sent: (address, at) =>
      asking('eth_getTransactionCount', () =>
        client.getTransactionCount({ address, ...(at === undefined ? {} : { blockNumber: at }) }),
      ),
    balanceOf: (token, owner, at) =>
      asking('balanceOf', () =>
        client.readContract({
          address: token,
          abi: erc20,
          functionName: 'balanceOf',
          args: [owner],
          ...(at === undefined ? {} : { blockNumber: at }),
        }),
      ),
    holding: (gate, owner) =>
      asking('balanceOf', () =>
        gate.standard === 'erc1155'
          ? client.readContract({
              address: gate.token,
              abi: erc1155,
              functionName: 'balanceOf',
              args: [owner, gate.id ?? 0n],
            })
          : client.readContract({
              address: gate.token,
              abi: erc20,
              functionName: 'balanceOf',
              args: [owner],
            }),
      ),
    authorizationUsed: (token, from, nonce, at) =>
      asking('authorizationState', async () => {
        try {
          return await client.readContract({
            address: token,
            abi: tokenAbi,
            functionName: 'authorizationState',
            args: [from, nonce],
            ...(at === undefined ? {} : { blockNumber: at }),
          })
        } catch (error) {
          if (saysNothing(error)) return null
          throw error
        }
      }),
    receipt: (hash) => readReceipt(client, hash),
    async escrowEvents(range) {
      const found = await Promise.all(
        EscrowCalls.topicsFor(payee).map((topics) => logs(escrow, topics, range)),
      )
      return EscrowCalls.events(escrow, found.flat())
    },
    async transfers(token, range) {
      const [received, sent] = await Promise.all(
        TokenCalls.transferTopics(payee).map((topics) => logs(token, topics, range)),
      )
      // A transfer to oneself is in both.
      const outgoing = TokenCalls.transfers(token, sent ?? []).filter(({ to }) => to !== payee)
      return [...TokenCalls.transfers(token, received ?? []), ...outgoing].sort((a, b) =>
        a.block === b.block ? a.logIndex - b.logIndex : a.block < b.block ? -1 : 1,
      )
    },
    async shortfall(token, block) {
      const at = async (blockNumber: bigint) => {
        const [held, coin, sent] = await Promise.all([
          client.readContract({
            address: token,
            abi: erc20,
            functionName: 'balanceOf',
            args: [payee],
            blockNumber,
          }),
          client.getBalance({ address: payee, blockNumber }),
          client.getTransactionCount({ address: payee, blockNumber }),
        ])
        return { held, coin, sent }
      }
      try {
        const range = { from: block, to: block }
        const [before, after, ...found] = await Promise.all([
          at(block - 1n),
          at(block),
          ...TokenCalls.transferTopics(payee).map((topics) => logs(token, topics, range)),
        ])
        const [received, sent] = found.map((some) =>
          TokenCalls.transfers(token, some).reduce((sum, { value }) => sum + value, 0n),
        )
        const missing = (received ?? 0n) - (sent ?? 0n) - (after.held - before.held)
        // The payee sent something, and its coin is not what paid for that: then this token may have.
        const gasElsewhere = after.sent > before.sent && after.coin >= before.coin
        return missing > 0n && gasElsewhere ? null : missing
      } catch {
        return null
      }
    },
    async authorizationUse(token, from, nonce, range) {
      const found = await logs(token, TokenCalls.authorizationTopics(from, nonce), range)
      return found.at(-1)?.transactionHash ?? null
    },
  }
}

function getLogs(
  client: PublicClient,
  address: Address,
  topics: (Hex | Hex[] | null)[],
  range: Chain.Range,
): Promise<Log[]> {
  if (range.to < range.from) return Promise.resolve([])
  return asking('eth_getLogs', async () => {
    const found = await client.request({
      method: 'eth_getLogs',
      params: [{ address, topics, fromBlock: numberToHex(range.from), toBlock: numberToHex(range.to) }],
    })
    return found.map((log: RpcLog) => formatLog(log))
  })
}

/** True when a contract has no such function: it reverts, or returns nothing that could be the answer. */
function saysNothing(error: unknown): boolean {
  const empty = (cause: unknown) =>
    cause instanceof ContractFunctionZeroDataError || cause instanceof AbiDecodingDataSizeTooSmallError
  return decodeRevert(error) !== null || (error instanceof BaseError && error.walk(empty) !== null)
}

const erc20 = parseAbi(['function balanceOf(address owner) view returns (uint256)'])
const erc1155 = parseAbi(['function balanceOf(address owner, uint256 id) view returns (uint256)'])
const lower = (text: string) => text.toLowerCase() as Address
