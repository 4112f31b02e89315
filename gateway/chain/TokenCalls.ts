import {
  type Address,
  encodeEventTopics,
  encodeFunctionData,
  type Hex,
  type Log,
  parseAbi,
  parseSignature,
} from 'viem'
import type { Authorization } from '../protocol/Authorization.ts'
import { tokenAbi } from '../protocol/abi.ts'

/** The tokens' functions as calldata, and their events as values. Amounts are base units. */

const splitAbi = parseAbi([
  'function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)',
])

/** EIP-3009 transfer with `bytes signature`, as USDC v2.2 and contract wallets need it. */
export function transferWithAuthorization(message: Authorization, signature: Hex): Hex {
  return encodeFunctionData({
    abi: tokenAbi,
    functionName: 'transferWithAuthorization',
    args: [...fields(message), signature],
  })
}

/** The older form with `v, r, s`, for tokens that have no other. Only for 65-byte signatures; else null. */
export function transferWithAuthorizationSplit(message: Authorization, signature: Hex): Hex | null {
  if (signature.length !== 132) return null
  const { r, s, v } = parseSignature(signature)
  if (v === undefined) return null
  return encodeFunctionData({
    abi: splitAbi,
    functionName: 'transferWithAuthorization',
    args: [...fields(message), Number(v), r, s],
  })
}

/** A plain transfer from whoever sends it. */
export function transfer(to: Address, value: bigint): Hex {
  return encodeFunctionData({ abi: tokenAbi, functionName: 'transfer', args: [to, value] })
}

/** A movement of a token, and where it stands. */
export type Transfer = {
  token: Address
  from: Address
  to: Address
  value: bigint
  transaction: Hex
  logIndex: number
  block: bigint
  blockHash?: Hex
}

/** Transfers of an ERC-20 among these logs, in order. */
export function transfers(token: Address, logs: readonly Log[]): Transfer[] {
  const found: Transfer[] = []
  for (const log of logs) {
    if (log.address.toLowerCase() !== token.toLowerCase() || log.removed) continue
    if (log.blockNumber === null || log.transactionHash === null || log.logIndex === null) continue
    const [topic, from, to] = log.topics
    if (topic !== transferTopic || from === undefined || to === undefined) continue
    if (log.topics.length !== 3 || log.data.length !== 66) continue
    found.push({
      token: lower(token),
      from: addressOf(from),
      to: addressOf(to),
      value: BigInt(log.data),
      transaction: log.transactionHash,
      logIndex: log.logIndex,
      block: log.blockNumber,
      ...(log.blockHash === null ? {} : { blockHash: log.blockHash }),
    })
  }
  return found.sort((a, b) => (a.block === b.block ? a.logIndex - b.logIndex : a.block < b.block ? -1 : 1))
}

/**
 * The transfer by which an authorization was executed, by the logs of a mined transaction; null when they show none. The
 * logs decide, not the status: exactly (token, from, to, value) must have moved, under this nonce. When one transaction
 * executes several authorizations alike, each is matched with the transfer that follows its own `AuthorizationUsed`.
 */
export function executed(token: Address, message: Authorization, logs: readonly Log[]): Transfer | null {
  const alike = transfers(token, logs).filter(
    ({ from, to, value }) =>
      from === lower(message.from) && to === lower(message.to) && value === message.value,
  )
  const uses = authorizationUses(token, logs)
  const own = uses.find((use) => use.from === lower(message.from) && use.nonce === lower(message.nonce))
  if (own === undefined) return uses.length === 0 && alike.length === 1 ? (alike[0] ?? null) : null
  const next = uses.find((use) => use.logIndex > own.logIndex)?.logIndex ?? Number.POSITIVE_INFINITY
  const following = alike.find(({ logIndex }) => logIndex > own.logIndex && logIndex < next)
  if (following !== undefined) return following
  return uses.length === 1 && alike.length === 1 ? (alike[0] ?? null) : null
}

/** Topics of `eth_getLogs`: transfers to or from an account. */
export function transferTopics(account: Address): (Hex | null)[][] {
  const word = wordOf(account)
  return [
    [transferTopic, null, word],
    [transferTopic, word],
  ]
}

/** Topics of `eth_getLogs`: this EIP-3009 nonce was used or cancelled. */
export function authorizationTopics(from: Address, nonce: Hex): (Hex | Hex[])[] {
  return [[usedTopic, canceledTopic], wordOf(from), nonce]
}

const eventAbi = parseAbi([
  'event Transfer(address indexed from, address indexed to, uint256 value)',
  'event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce)',
  'event AuthorizationCanceled(address indexed authorizer, bytes32 indexed nonce)',
])
const [transferTopic] = encodeEventTopics({ abi: eventAbi, eventName: 'Transfer' })
const [usedTopic] = encodeEventTopics({ abi: eventAbi, eventName: 'AuthorizationUsed' })
const [canceledTopic] = encodeEventTopics({ abi: eventAbi, eventName: 'AuthorizationCanceled' })

/** EIP-3009 authorizations that these logs show as used, in order. */
export function authorizationUses(token: Address, logs: readonly Log[]) {
  const uses: { from: Address; nonce: Hex; logIndex: number }[] = []
  for (const { address, topics, logIndex, removed } of logs) {
    const [topic, from, nonce] = topics
    if (address.toLowerCase() !== token.toLowerCase() || removed || logIndex === null) continue
    if (topic !== usedTopic || from === undefined || nonce === undefined) continue
    uses.push({ from: addressOf(from), nonce: lower(nonce), logIndex })
  }
  return uses.sort((a, b) => a.logIndex - b.logIndex)
}

function fields(message: Authorization) {
  const { from, to, value, validAfter, validBefore, nonce } = message
  return [from, to, value, validAfter, validBefore, nonce] as const
}

const lower = (text: string) => text.toLowerCase() as Hex
const addressOf = (word: Hex): Address => `0x${word.slice(26).toLowerCase()}`
const wordOf = (address: Address): Hex => `0x${'0'.repeat(24)}${address.slice(2).toLowerCase()}`
