import {
  type Address,
  decodeEventLog,
  encodeEventTopics,
  encodeFunctionData,
  type Hex,
  type Log,
  pad,
  zeroAddress,
} from 'viem'
import { escrowAbi } from '../protocol/abi.ts'
import { codeOfSelector } from './decode-revert.ts'

/** The escrow's functions as calldata, and its events as values. Amounts are base units of the channel's token. */

/** A voucher brought to the chain. */
export type Settlement = { channelId: Hex; cumulative: bigint; signature: Hex }

/** EIP-3009 part of a relayed call. Times are Unix seconds. */
export type Relayed = { from: Address; validAfter: bigint; validBefore: bigint; nonce: Hex; signature: Hex }

export function settle(settlement: Settlement): Hex {
  const { channelId, cumulative, signature } = settlement
  return encodeFunctionData({
    abi: escrowAbi,
    functionName: 'settle',
    args: [channelId, cumulative, signature],
  })
}

/** One payout for many channels of one token; a voucher that fails is skipped with `SettlementSkipped`. */
export function settleBatch(token: Address, settlements: readonly Settlement[]): Hex {
  const args = settlements.map(({ channelId, cumulative, signature }) => ({
    channelId,
    cumulativeAmount: cumulative,
    signature,
  }))
  return encodeFunctionData({ abi: escrowAbi, functionName: 'settleBatch', args: [token, args] })
}

/** Pays the last voucher and refunds the rest. With no more than what is settled, no signature is looked at. */
export function close(settlement: Settlement): Hex {
  const { channelId, cumulative, signature } = settlement
  return encodeFunctionData({
    abi: escrowAbi,
    functionName: 'close',
    args: [channelId, cumulative, signature],
  })
}

export function open(channel: {
  payee: Address
  token: Address
  deposit: bigint
  salt: Hex
  authorizedSigner?: Address | undefined
}): Hex {
  const { payee, token, deposit, salt, authorizedSigner = zeroAddress } = channel
  return encodeFunctionData({
    abi: escrowAbi,
    functionName: 'open',
    args: [payee, token, deposit, salt, authorizedSigner],
  })
}

export function topUp(channelId: Hex, additionalDeposit: bigint): Hex {
  return encodeFunctionData({ abi: escrowAbi, functionName: 'topUp', args: [channelId, additionalDeposit] })
}

/** Opens a channel for a payer who signed `receiveWithAuthorization` over `Authorization.openNonce`. */
export function openWithAuthorization(
  channel: { payee: Address; token: Address; deposit: bigint; salt: Hex; authorizedSigner: Address },
  relayed: Relayed,
): Hex {
  return encodeFunctionData({
    abi: escrowAbi,
    functionName: 'openWithAuthorization',
    args: [
      channel.payee,
      channel.token,
      channel.deposit,
      channel.salt,
      channel.authorizedSigner,
      relayed.from,
      relayed.validAfter,
      relayed.validBefore,
      relayed.nonce,
      relayed.signature,
    ],
  })
}

/** Tops up for somebody who signed `receiveWithAuthorization` over `Authorization.topUpNonce`. */
export function topUpWithAuthorization(
  topUp: { channelId: Hex; additionalDeposit: bigint; topUpSalt: Hex },
  relayed: Relayed,
): Hex {
  return encodeFunctionData({
    abi: escrowAbi,
    functionName: 'topUpWithAuthorization',
    args: [
      topUp.channelId,
      topUp.additionalDeposit,
      relayed.from,
      topUp.topUpSalt,
      relayed.validAfter,
      relayed.validBefore,
      relayed.nonce,
      relayed.signature,
    ],
  })
}

/** Where an event stands. */
export type Place = { transaction: Hex; logIndex: number; block: bigint; blockHash?: Hex }

/** What the escrow said of a channel. */
export type Event = Place & { channelId: Hex } & (
    | { name: 'opened'; payer: Address; payee: Address; token: Address; signer: Address; deposit: bigint }
    | { name: 'topped-up'; from: Address; deposit: bigint; added: bigint }
    | { name: 'settled'; payee: Address; cumulative: bigint; delta: bigint }
    | { name: 'skipped'; payee: Address; cumulative: bigint; reason: string }
    | { name: 'close-requested'; payee: Address; closeEndsAt: bigint }
    | { name: 'close-cancelled'; payee: Address }
    | { name: 'closed'; payee: Address; settled: bigint; refunded: bigint }
    | { name: 'withdrawn'; payee: Address; settled: bigint; refunded: bigint }
  )

/** Events of the escrow among these logs, in order. Logs of other contracts, and of unmined blocks, are left out. */
export function events(escrow: Address, logs: readonly Log[]): Event[] {
  const found: Event[] = []
  for (const log of logs) {
    if (log.address.toLowerCase() !== escrow.toLowerCase()) continue
    if (log.blockNumber === null || log.transactionHash === null || log.logIndex === null) continue
    if (log.removed) continue
    const place = {
      transaction: log.transactionHash,
      logIndex: log.logIndex,
      block: log.blockNumber,
      ...(log.blockHash === null ? {} : { blockHash: log.blockHash }),
    }
    const event = decode(log, place)
    if (event !== null) found.push(event)
  }
  return found.sort((a, b) => (a.block === b.block ? a.logIndex - b.logIndex : a.block < b.block ? -1 : 1))
}

/** Topics of `eth_getLogs` that find every event naming this payee, and every top-up. */
export function topicsFor(payee: Address): (Hex | Hex[] | null)[][] {
  return [[naming, null, pad(payee, { size: 32 })], [toppedUp]]
}

function topicOf(eventName: Parameters<typeof encodeEventTopics<typeof escrowAbi>>[0]['eventName']): Hex {
  const [topic] = encodeEventTopics({ abi: escrowAbi, eventName } as Parameters<
    typeof encodeEventTopics<typeof escrowAbi>
  >[0])
  if (typeof topic !== 'string') throw new Error(`The escrow has no event ${String(eventName)}.`)
  return topic
}

/** Of the events that name a payee. Asked for with every poll, so hashed once. */
const naming = (
  [
    'ChannelOpened',
    'ChannelSettled',
    'CloseRequested',
    'CloseRequestCancelled',
    'ChannelClosed',
    'ChannelWithdrawn',
  ] as const
).map(topicOf)
const toppedUp = topicOf('ChannelToppedUp')

const lower = (text: string) => text.toLowerCase() as Hex

function decode(log: Log, place: Place): Event | null {
  const decoded = tryDecode(log)
  if (decoded === null || decoded.eventName === 'BatchSettled') return null
  const base = { ...place, channelId: decoded.args.channelId }
  if (decoded.eventName === 'ChannelToppedUp') {
    const { from, additionalDeposit, newDeposit } = decoded.args
    return { ...base, name: 'topped-up', from: lower(from), deposit: newDeposit, added: additionalDeposit }
  }
  const payee = lower(decoded.args.payee)
  switch (decoded.eventName) {
    case 'ChannelOpened': {
      const { payer, token, authorizedSigner, deposit } = decoded.args
      const signer = lower(authorizedSigner === zeroAddress ? payer : authorizedSigner)
      return { ...base, name: 'opened', payer: lower(payer), payee, token: lower(token), signer, deposit }
    }
    case 'ChannelSettled': {
      const { cumulativeAmount, delta } = decoded.args
      return { ...base, name: 'settled', payee, cumulative: cumulativeAmount, delta }
    }
    case 'SettlementSkipped': {
      const { cumulativeAmount, reason } = decoded.args
      return { ...base, name: 'skipped', payee, cumulative: cumulativeAmount, reason: codeOfSelector(reason) }
    }
    case 'CloseRequested':
      return { ...base, name: 'close-requested', payee, closeEndsAt: decoded.args.closeEndsAt }
    case 'CloseRequestCancelled':
      return { ...base, name: 'close-cancelled', payee }
    case 'ChannelClosed':
    case 'ChannelWithdrawn': {
      const { settledToPayee, refundedToPayer } = decoded.args
      const name = decoded.eventName === 'ChannelClosed' ? 'closed' : 'withdrawn'
      return { ...base, name, payee, settled: settledToPayee, refunded: refundedToPayer }
    }
  }
}

function tryDecode(log: Log) {
  try {
    return decodeEventLog({ abi: escrowAbi, data: log.data, topics: log.topics, strict: true })
  } catch {
    return null
  }
}
