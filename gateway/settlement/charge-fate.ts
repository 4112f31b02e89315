import type { Hex } from 'viem'
import type { Chain } from '../chain/Chain.ts'
import type { ChargeOrder } from '../chain/ChargeOrder.ts'
import * as TokenCalls from '../chain/TokenCalls.ts'
import type { Ledger } from '../ledger/Ledger.ts'

/** Blocks asked for at once when looking for the transaction that used an authorization. */
const range = 2_000n

/**
 * What the chain says of a signed transfer, whoever submitted it.
 *
 * | Fate | Means |
 * |---|---|
 * | `executed` | it moved exactly what it says, at depth; `ref` is its Transfer log |
 * | `impossible` | it never moved and never can: used otherwise, cancelled, or expired at depth with its nonce unused |
 * | `possible` | it has not moved and still can |
 * | `pending` | its nonce is used, and not deep enough yet or not found yet; or the token does not say |
 */
export type ChargeFate =
  | { status: 'executed'; ref: Ledger.ChainRef }
  | { status: 'impossible'; reason: string }
  | { status: 'possible' }
  | { status: 'pending'; reason: string }

/**
 * Asks the chain at the depth of its amount; of a large one what two nodes say alike. `fromBlock` is the oldest block worth
 * searching.
 */
export async function chargeFate(chain: Chain, order: ChargeOrder, fromBlock: bigint): Promise<ChargeFate> {
  const { token, message } = order
  const ask = chain.evidence(token, message.value)
  const deep = (await ask.head()).number - BigInt(chain.depth(token, message.value)) + 1n
  if (deep < 0n) return { status: 'pending', reason: 'not-deep-enough' }
  const used = await ask.authorizationUsed(token, message.from, message.nonce, deep)
  if (used === null) return { status: 'pending', reason: 'token-does-not-say' }
  if (used) {
    const transaction = await findUse(ask, order, deep, fromBlock)
    if (transaction === null) return { status: 'pending', reason: 'use-not-found' }
    const mined = await ask.receipt(transaction)
    // The use is there and its receipt is not: the node is behind itself, and the token has said all it says.
    if (mined === null) return { status: 'pending', reason: 'receipt-not-found' }
    const ref = refOf(chain, order, mined)
    return ref === null
      ? { status: 'impossible', reason: 'authorization-used-otherwise' }
      : { status: 'executed', ref }
  }
  if (await ask.authorizationUsed(token, message.from, message.nonce))
    return { status: 'pending', reason: 'not-deep-enough' }
  const block = await ask.block(deep)
  if (block !== null && BigInt(block.timestamp) >= message.validBefore)
    return { status: 'impossible', reason: 'authorization-expired' }
  return { status: 'possible' }
}

/** The Transfer log that executed an order, by the logs of a mined transaction; null when they show none. */
export function refOf(chain: Chain, order: ChargeOrder, mined: Chain.Mined): Ledger.ChainRef | null {
  if (mined.status !== 'succeeded') return null
  const transfer = TokenCalls.executed(order.token, order.message, mined.logs)
  if (transfer === null) return null
  return {
    chainId: chain.id,
    transaction: mined.hash,
    logIndex: transfer.logIndex,
    block: transfer.block,
    ...(transfer.blockHash === undefined ? {} : { blockHash: transfer.blockHash }),
  }
}

/** Newest first: what is asked after has mostly just happened. */
async function findUse(
  ask: Pick<Chain.Evidence, 'authorizationUse'>,
  order: ChargeOrder,
  newest: bigint,
  fromBlock: bigint,
): Promise<Hex | null> {
  const { from, nonce } = order.message
  for (let to = newest; to >= fromBlock; to -= range) {
    const start = to - range + 1n < fromBlock ? fromBlock : to - range + 1n
    const found = await ask.authorizationUse(order.token, from, nonce, { from: start, to })
    if (found !== null) return found
  }
  return null
}
