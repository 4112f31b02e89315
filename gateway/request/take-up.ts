import type { Deps } from '../deps.ts'
import type { Ledger } from '../ledger/Ledger.ts'
import { PaymentUnknownError } from '../rails/payment-error.ts'
import type { Claimed, Repeated } from './claim.ts'
import type { Verified } from './verify.ts'
import { isRunning } from './wait.ts'

/**
 * A charge for a call that its wallet has paid for before without being answered: the caller was told 503, and could only
 * call again with a new signature. Nothing is done with that signature; what became of the earlier payment decides:
 *
 * | The earlier payment | The call |
 * |---|---|
 * | is not known yet | `503` with its id: still no second payment |
 * | settled, and its answer is kept | is answered with it |
 * | moved and bought nothing: it is credit | is made, and paid from that credit |
 * | never moved | is an ordinary one (null) |
 */
export async function takeUp(
  request: Ledger.ClaimRequest,
  verified: Verified,
  { doubts, ledger }: Pick<Deps, 'doubts' | 'ledger'>,
): Promise<Claimed | Repeated | null> {
  const { paying, terms } = verified
  // A top-up is never lost: whatever moves is the wallet's.
  if (paying.rail !== 'charge' || terms.route.earns === 'payer') return null
  const earlier = await doubts.find(request)
  if (earlier === null || earlier.key === request.key) return null
  // It was claimed itself, before the earlier one came into doubt.
  const own = await ledger.payment({ key: request.key })
  if (own !== null && own.delivery !== 'void') return null

  if (isRunning(earlier)) throw new PaymentUnknownError(earlier.id, 'it was made for this very call before.')
  if (earlier.delivery === 'delivered' && earlier.money === 'settled') {
    if ((await ledger.answer(earlier.id)) !== null) {
      doubts.takenUp(earlier.id, request.key)
      return { repeated: earlier, channel: null }
    }
  }
  doubts.forget(earlier.id)
  if (earlier.money !== 'credited' && earlier.money !== 'refunded') return null
  const { budget: _, ...asked } = request
  const result = await ledger.claim({ ...asked, from: { rail: 'balance' } })
  // The credit may be spent by now.
  if (result.outcome !== 'fresh') return null
  const { payment } = result
  return { ...verified, paying: { rail: 'balance', wallet: paying.wallet }, payment, channel: null }
}
