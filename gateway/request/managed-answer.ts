import type { Deps } from '../deps.ts'
import { json, type Outgoing } from './Outgoing.ts'
import { managedReceipt } from './receipt.ts'
import type { Managed } from './verify.ts'

/**
 * Answers a credential that was about its channel and not about a call: 200, the channel as it is now, a receipt. Whoever has
 * not proven to be its payer or its signer is told what stands on chain and nothing else.
 */
export function managedAnswer({ managed, transaction, challengeId, proven }: Managed, deps: Deps): Outgoing {
  const body = {
    channelId: managed.id,
    ...(proven ? { acceptedCumulative: managed.accepted.toString(), spent: managed.spent.toString() } : {}),
    settled: managed.settled.toString(),
    deposit: managed.deposit.toString(),
    finalized: managed.finalized,
    ...(transaction === null ? {} : { transaction }),
  }
  const receipt = managedReceipt(managed, { transaction, challengeId, proven }, deps)
  return json(200, body, ['content-type', 'application/json', 'cache-control', 'no-store', ...receipt])
}
