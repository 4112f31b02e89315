import { createHash } from 'node:crypto'
import type { Address, Hex } from 'viem'
import * as Account from '../../../gateway/ledger/Account.ts'
import * as Asset from '../../../gateway/ledger/Asset.ts'
import type { Ledger } from '../../../gateway/ledger/Ledger.ts'
import { paymentId } from '../../../gateway/ledger/payment-id.ts'

/** How many calls are under way at a time. */
const atOnce = 64
const price = 1_000n
const token = address('token')
const asset = Asset.of(84_532, token)
const sides = { chainId: 84_532, escrow: address('escrow'), payee: address('payee'), token, asset }

/** A channel in the books of a ledger that is measured alone. */
export type PayingChannel = { id: Hex; payer: Address; spent: bigint }

/** Opens channels, each with a deposit for so many calls. */
export async function openChannels(
  ledger: Ledger,
  count: number,
  calls: number,
  now: number,
): Promise<PayingChannel[]> {
  const channels = Array.from({ length: count }, (_, index) => ({
    id: digest(`channel ${index}`),
    payer: address(`payer ${index}`),
    spent: 0n,
  }))
  await Promise.all(
    channels.map(({ id, payer }) =>
      ledger.channelSeen({ id, ...sides, payer, signer: payer, deposit: price * BigInt(calls), now }),
    ),
  )
  return channels
}

/** Makes calls on channels taken at random, with a voucher of its own for each, 64 at a time. Returns the ids of their payments. */
export async function payCalls(
  ledger: Ledger,
  channels: readonly PayingChannel[],
  options: { calls: number; now(): number; answer?: Uint8Array },
): Promise<string[]> {
  const ids: string[] = []
  const { answer } = options
  for (let made = 0; made < options.calls; made += atOnce) {
    const now = options.now()
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        const channel = channels[Math.floor(Math.random() * channels.length)]
        if (channel === undefined) throw new Error('There is no channel.')
        channel.spent += price
        const [id, cumulative] = [paymentId(now), channel.spent]
        ids.push(id)
        await ledger.claim({
          id,
          key: `voucher:${channel.id}:${cumulative}`,
          fingerprint: createHash('sha256').update(id).digest('base64url'),
          dialect: 'mpp',
          wallet: channel.payer,
          route: 'GET /v1/paid',
          asset,
          amount: price,
          earns: Account.revenue('GET /v1/paid'),
          now,
          from: {
            rail: 'channel',
            channelId: channel.id,
            cumulative,
            signature: `0x${'1b'.repeat(65)}`,
            minDelta: 0n,
            reusable: true,
          },
        })
        await ledger.capture({
          paymentId: id,
          amount: price,
          complete: true,
          ...(answer === undefined ? {} : { answer: { sealed: answer } }),
        })
      }),
    )
  }
  return ids
}

/** Settles all that was spent. */
export async function settle(ledger: Ledger, channels: readonly PayingChannel[], now: number): Promise<void> {
  await Promise.all(
    channels.map(({ id, spent }, n) => {
      const ref = { chainId: sides.chainId, transaction: digest(`settled ${n}`), logIndex: 0, block: 1n }
      return ledger.channelSettled({ id, cumulative: spent, ref, now })
    }),
  )
}

/** Thirty-two bytes, always the same for a text: an id, or a hash. */
export function digest(text: string): Hex {
  return `0x${createHash('sha256').update(text).digest('hex')}`
}

function address(text: string): Address {
  return digest(text).slice(0, 42) as Address
}
