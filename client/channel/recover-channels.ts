import { type Hex, verifyTypedData } from 'viem'
import * as z from 'zod/mini'
import { address, amount, bytes32, signature } from '../../gateway/protocol/Schema.ts'
import * as Voucher from '../../gateway/protocol/Voucher.ts'
import { getSignedIn, read } from '../balance/SignIn.ts'
import type { Context } from '../Context.ts'
import { PaymentRefusedError } from '../errors.ts'
import * as Spending from '../policy/Spending.ts'
import type { State } from '../store/State.ts'
import type { Channel } from './Channel.ts'
import { readChannel } from './onchain.ts'

const listed = z.object({
  channelId: bytes32,
  chainId: z.int(),
  escrow: address,
  payee: address,
  token: address,
  deposit: amount,
  accepted: amount,
  spent: amount,
  settled: z.optional(amount),
  finalized: z.optional(z.boolean()),
  /** Our own signature over `accepted`: the proof that we signed so much. */
  voucherSignature: z.optional(z.nullable(signature)),
})
type Listed = z.infer<typeof listed>
const schema = z.object({ channels: z.array(z.unknown()).check(z.maxLength(1_000)) })

/**
 * Rebuilds lost channels from what the gateway remembers, and from the chain where it can be read. The gateway's numbers
 * are not taken on faith: what it says we signed must be proven by our signature or by a settlement on chain; what is
 * not proven is counted against today's limits as if it were signed now.
 * @param url a resource of the gateway that the channels can pay for.
 * @returns the channels that were added or raised.
 * @throws {PaymentRefusedError} a limit forbids to believe the gateway. @throws {PaymentError} `sign-in-failed`.
 */
export async function recoverChannels(context: Context, url: URL, method = 'GET'): Promise<Channel[]> {
  const path = '/farthing/channels'
  const { channels } = read(schema, await getSignedIn(context, url.origin, path), path)
  const recovered: Channel[] = []
  for (const entry of channels) {
    const parsed = listed.safeParse(entry)
    if (!parsed.success || parsed.data.finalized === true) continue
    const proven = await prove(context, parsed.data)
    if (proven === undefined) continue
    const channel = await context.store.update((state) => adopt(context, state, url, method, proven))
    if (channel !== undefined) recovered.push(channel)
  }
  return recovered
}

type Proven = Listed & { proven: bigint }

/** How much of what the gateway claims is certain. Undefined for a channel that is not ours or is over. */
async function prove(context: Context, entry: Listed): Promise<Proven | undefined> {
  const onchain = await readChannel(context, entry)
  if (
    context.chain !== undefined &&
    (onchain === undefined || onchain.payer !== context.address || onchain.finalized)
  )
    return undefined
  const settled = onchain?.settled ?? 0n
  const deposit = onchain?.deposit ?? entry.deposit
  const accepted = entry.accepted > settled ? entry.accepted : settled
  const spent = entry.spent > settled ? entry.spent : settled
  const signed = await isOurs(context, entry)
  return {
    ...entry,
    deposit,
    accepted,
    spent,
    proven: signed && entry.accepted > settled ? entry.accepted : settled,
  }
}

async function isOurs(context: Context, entry: Listed): Promise<boolean> {
  if (typeof entry.voucherSignature !== 'string') return false
  const voucher = { channelId: entry.channelId, cumulativeAmount: entry.accepted }
  try {
    return await verifyTypedData({
      ...Voucher.typedData({ chainId: entry.chainId, escrow: entry.escrow }, voucher),
      address: context.address,
      signature: entry.voucherSignature as Hex,
    })
  } catch {
    return false
  }
}

function adopt(context: Context, state: State, url: URL, method: string, entry: Proven): Channel | undefined {
  const held = state.channels[entry.channelId]
  if (held?.state === 'open' && held.signed >= entry.accepted && held.spent >= entry.spent) return undefined
  if (entry.accepted > entry.deposit || entry.spent > entry.accepted)
    throw new PaymentRefusedError({
      code: 'recovery-refused',
      rule: 'recovery',
      message: `The gateway's numbers for channel ${entry.channelId} contradict each other.`,
      fix: 'close the channel by force: requestClose, then withdraw.',
    })
  const certain = held !== undefined && held.signed > entry.proven ? held.signed : entry.proven
  const increase = entry.accepted > certain ? entry.accepted - certain : 0n
  const { chainId, token } = entry
  const limits = { ...context.limits, perCall: increase }
  Spending.count(
    state,
    { chainId, token, host: url.host, price: 0n, increase, now: context.clock.now() },
    limits,
  )
  const channel: Channel = {
    channelId: entry.channelId,
    chainId,
    escrow: entry.escrow,
    payer: context.address,
    payee: entry.payee,
    token,
    origin: url.origin,
    url: url.href,
    method,
    salt: held?.salt,
    state: 'open',
    deposit: entry.deposit,
    signed: held !== undefined && held.signed > entry.accepted ? held.signed : entry.accepted,
    accepted: entry.accepted,
    spent: held !== undefined && held.spent > entry.spent ? held.spent : entry.spent,
    uncertain: held?.uncertain ?? 0n,
    reserved: held?.reserved ?? {},
  }
  state.channels[entry.channelId] = channel
  return channel
}
