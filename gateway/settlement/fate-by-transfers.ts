import type { Chain } from '../chain/Chain.ts'
import type { ChargeOrder } from '../chain/ChargeOrder.ts'
import type { Ledger } from '../ledger/Ledger.ts'
import { type ChargeFate, refOf } from './charge-fate.ts'
import { split } from './reconcile.ts'

/**
 * What became of a charge in a token that keeps to EIP-3009 only half: one that does not answer `authorizationState`, or
 * does not log `AuthorizationUsed`. Its Transfer logs decide. While it may still move, it is left pending; once it has
 * expired at depth, a transfer that is exactly this one and booked for nothing else was it, and without one it never moved.
 * Any other fate comes back as it is.
 */
export async function fateByTransfers(
  context: fateByTransfers.Context,
  order: ChargeOrder,
  fate: ChargeFate,
): Promise<ChargeFate> {
  if (fate.status !== 'pending' || !unsaid.has(fate.reason)) return fate
  const { chain, fromBlock } = context
  const { token, message } = order
  const ask = chain.evidence(token, message.value)
  const deep = (await ask.head()).number - BigInt(chain.depth(token, message.value)) + 1n
  const block = deep < 0n ? null : await ask.block(deep)
  if (block === null || BigInt(block.timestamp) < message.validBefore) return fate
  for (const range of split({ from: fromBlock, to: deep }, 2_000n))
    for (const { transaction, from, value } of await ask.transfers(token, range)) {
      if (from !== message.from.toLowerCase() || value !== message.value) continue
      if ((await context.ledger.payment({ transaction, wallet: message.from })) !== null) continue
      const mined = await ask.receipt(transaction)
      // It may be the one: a node that shows a log and not its receipt is behind itself.
      if (mined === null) return { status: 'pending', reason: 'receipt-not-found' }
      const ref = refOf(chain, order, mined)
      if (ref !== null) return { status: 'executed', ref }
    }
  return { status: 'impossible', reason: 'authorization-expired' }
}

const unsaid: ReadonlySet<string> = new Set(['token-does-not-say', 'use-not-found'])

export declare namespace fateByTransfers {
  type Context = { ledger: Pick<Ledger, 'payment'>; chain: Chain; fromBlock: bigint }
}
