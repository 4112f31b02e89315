import type { Address, Hex } from 'viem'
import type { Chain } from '../chain/Chain.ts'
import { keyOf } from '../chain/ChargeOrder.ts'
import { events } from '../chain/EscrowCalls.ts'
import * as TokenCalls from '../chain/TokenCalls.ts'
import type { Channel } from '../ledger/Channel.ts'
import type { Ledger } from '../ledger/Ledger.ts'
import { askChannels } from './ask-channels.ts'
import { split } from './reconcile.ts'

/** What the chain knows and the books do not, although nobody but this gateway's key can have brought it about. */
export type Restored = {
  /** Channels that a transaction settled or closed which the books have no intent for. */
  channels: { id: Hex; reason: string }[]
  /** Signed transfers to the payee of which the books have no payment. */
  charges: Restored.Charge[]
  /** Transactions that the payee's key has sent, where that is more than the books have intents for. */
  nonce: { chain: number; books: number } | null
}

export declare namespace Restored {
  type Charge = { token: Address; from: Address; nonce: Hex; value: bigint; ref: Ledger.ChainRef }
}

/**
 * Asks, before anything is booked from the chain, whether the books are older than the chain: restored from a backup, or
 * lost. A settlement is sent by our key alone, and never without an intent in the books; so a settlement without one was
 * made by a history that these books do not have. Deposits, and what payers do, are no sign of it. Only reads.
 */
export async function findRestored(options: findRestored.Options): Promise<Restored> {
  const { ledger, chain, tokens, fromBlock, maxRange = 2_000n } = options
  const to = (await chain.head()).number - BigInt(chain.confirmations) + 1n
  const from = options.from ?? (await ledger.cursor(chain.id)) ?? fromBlock
  const ranges = [...split({ from, to }, maxRange)]
  const reasons = new Map<Hex, string>()
  const explained = new Map<Hex, bigint>()

  for (const range of ranges)
    for (const event of await chain.escrowEvents(range)) {
      if (event.name !== 'settled' && event.name !== 'closed') continue
      const id = event.channelId.toLowerCase() as Hex
      const booked = await ledger.channel(id)
      if (event.name === 'settled' && booked !== null && event.cumulative <= booked.settled) continue
      if (event.name === 'closed' && booked?.finalized === true) continue
      if (await isOurs(ledger, id, event.transaction)) {
        if (event.name === 'settled') explained.set(id, event.cumulative)
        continue
      }
      const what = event.name === 'settled' ? `settled it at ${event.cumulative}` : 'closed it'
      if (!reasons.has(id))
        reasons.set(
          id,
          `Transaction ${event.transaction} ${what}; the books know nothing of that transaction.`,
        )
    }
  const open = new Map<Hex, Channel>()
  for (const channel of await ledger.openChannels({ chainId: chain.id, escrow: chain.escrow }))
    if (!reasons.has(channel.id)) open.set(channel.id, channel)
  for await (const [id, found] of askChannels(chain, to < 0n ? [] : open.keys(), to)) {
    const channel = open.get(id)
    if (channel === undefined || found === null) continue
    if (reasonOf(channel, found, explained.get(id) ?? 0n) === null) continue
    // A reorganisation may have put it below the cursor: our own transactions explain it wherever they stand.
    const reason = reasonOf(channel, found, await settledByUs(options, id))
    if (reason !== null) reasons.set(id, reason)
  }
  const channels: Restored['channels'] = []
  for (const [id, reason] of reasons) {
    const found = await chain.channel(id, to)
    if (found !== null && tokens.some((token) => token.toLowerCase() === found.token))
      channels.push({ id, reason })
  }
  return { channels, charges: await unknownCharges(options, ranges), nonce: await nonceAhead(options) }
}

/** Why a channel as the escrow has it cannot have come from the history in the books; null when it can. Pure. */
export function reasonOf(
  channel: Pick<Channel, 'settled' | 'spent' | 'accepted'>,
  escrow: { settled: bigint },
  explained: bigint,
): string | null {
  const known = explained > channel.settled ? explained : channel.settled
  if (escrow.settled <= known) return null
  return `The escrow has paid ${escrow.settled} of it; the books know of ${known} settled, ${channel.spent} spent and ${channel.accepted} accepted.`
}

/** True when a transaction about this channel was sent by us, and the books remember. */
async function isOurs(
  ledger: Pick<Ledger, 'intentsFor' | 'attempts'>,
  channel: Hex,
  transaction: Hex,
): Promise<boolean> {
  for (const { id, hash } of await ledger.intentsFor(channel)) {
    if (hash.toLowerCase() === transaction.toLowerCase()) return true
    const attempts = await ledger.attempts(id)
    if (attempts.some((attempt) => attempt.hash.toLowerCase() === transaction.toLowerCase())) return true
  }
  return false
}

/** The most that transactions of ours have settled of a channel, by their mined logs. */
async function settledByUs({ ledger, chain }: findRestored.Options, channel: Hex): Promise<bigint> {
  let most = 0n
  for (const { id } of await ledger.intentsFor(channel))
    for (const { hash } of await ledger.attempts(id)) {
      const mined = await chain.receipt(hash)
      for (const event of mined === null ? [] : events(chain.escrow, mined.logs))
        if (event.name === 'settled' && event.channelId.toLowerCase() === channel && event.cumulative > most)
          most = event.cumulative
    }
  return most
}

async function unknownCharges(
  { ledger, chain, tokens }: findRestored.Options,
  ranges: readonly Chain.Range[],
): Promise<Restored.Charge[]> {
  const found: Restored.Charge[] = []
  for (const token of tokens)
    for (const range of ranges) {
      const received = (await chain.transfers(token, range)).filter(
        ({ from, to }) => to === chain.payee && from !== chain.escrow,
      )
      for (const transaction of new Set(received.map((transfer) => transfer.transaction))) {
        const mined = await chain.receipt(transaction)
        if (mined === null) continue
        for (const use of TokenCalls.authorizationUses(token, mined.logs)) {
          const { from, nonce } = use
          const moved = received.find(
            (one) => one.transaction === transaction && one.from === from && one.logIndex > use.logIndex,
          )
          if (moved === undefined) continue
          if ((await ledger.payment({ key: keyOf(chain.id, token, from, nonce) })) !== null) continue
          const { logIndex, block, value } = moved
          found.push({ token, from, nonce, value, ref: { chainId: chain.id, transaction, logIndex, block } })
        }
      }
    }
  return found
}

/** The key has sent more than the books know. Books that never sent anything say nothing about it. */
async function nonceAhead({ ledger, chain }: findRestored.Options): Promise<Restored['nonce']> {
  const books = await ledger.lastNonce(chain.id, chain.payee)
  if (books === null) return null
  const sent = await chain.sent(chain.payee)
  return sent > books + 1 ? { chain: sent, books: books + 1 } : null
}

export declare namespace findRestored {
  type Options = {
    ledger: Pick<
      Ledger,
      'cursor' | 'channel' | 'openChannels' | 'intentsFor' | 'attempts' | 'payment' | 'lastNonce'
    >
    chain: Pick<
      Chain,
      | 'id'
      | 'escrow'
      | 'payee'
      | 'confirmations'
      | 'head'
      | 'escrowEvents'
      | 'channel'
      | 'transfers'
      | 'receipt'
      | 'sent'
    >
    tokens: readonly Address[]
    fromBlock: bigint
    /** First block to look at; the ledger's cursor when left out: what was before it is booked. */
    from?: bigint
    maxRange?: bigint
  }
}
