import type { Deps } from '../deps.ts'
import { managedReceipt } from './receipt.ts'
import type { Managed } from './verify.ts'

/** Answers a credential that was about its channel and not about a call: 200, the channel as it is now, a receipt. */
export function managedAnswer({ managed, transaction, challengeId }: Managed, deps: Deps): Response {
  const body = {
    channelId: managed.id,
    acceptedCumulative: managed.accepted.toString(),
    spent: managed.spent.toString(),
    settled: managed.settled.toString(),
    deposit: managed.deposit.toString(),
    finalized: managed.finalized,
    ...(transaction === null ? {} : { transaction }),
  }
  const headers = { 'cache-control': 'no-store', ...managedReceipt(managed, transaction, challengeId, deps) }
  return Response.json(body, { headers })
}
