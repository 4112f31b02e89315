import type { Deps } from '../deps.ts'
import type { Doubts } from '../ledger/Doubts.ts'
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
 * | never moved, or has nothing left to give | goes by the next one in doubt; without one it is ordinary (null) |
 */
export async function takeUp(
  request: Ledger.ClaimRequest,
  verified: Verified,
  { ledger }: Pick<Deps, 'ledger'>,
): Promise<Claimed | Repeated | null> {
  const { paying, terms } = verified
  // A top-up is never lost: whatever moves is the wallet's.
  if (paying.rail !== 'charge' || terms.route.earns === 'payer') return null
  for (;;) {
    const found = await ledger.doubts.find(request)
    if (found === null) return null
    // It was claimed itself, before the earlier one came into doubt.
    const own = await ledger.payment({ key: request.key })
    if (own !== null && own.delivery !== 'void') return null
    const result = await takeUpOne(found, request, verified, ledger)
    if (result !== 'gone') return result
  }
}

/** Serves the call by one payment in doubt. `gone`: another credential has it by now, or nothing is left of it. */
async function takeUpOne(
  { payment: earlier, taken }: Doubts.Found,
  request: Ledger.ClaimRequest,
  verified: Verified,
  ledger: Ledger,
): Promise<Claimed | Repeated | null | 'gone'> {
  if (isRunning(earlier)) throw new PaymentUnknownError(earlier.id, 'it was made for this very call before.')
  if (earlier.delivery === 'delivered') {
    // Whoever was answered by it is told so for as long as it is remembered, also when the answer is not kept any more.
    const isKept = earlier.money === 'settled' && (await ledger.answer(earlier.id)) !== null
    if (taken || (isKept && (await ledger.doubts.take(earlier.id, request.key))))
      return { repeated: earlier, channel: null }
    if (isKept) return 'gone'
  }
  if (earlier.money === 'credited') {
    const { budget: _, from: __, ...asked } = request
    const result = await ledger.doubts.claim(earlier.id, asked)
    if (result.outcome === 'taken') return 'gone'
    if (result.outcome === 'fresh') {
      const { payment } = result
      const paying = { rail: 'balance' as const, wallet: verified.paying.wallet }
      return { ...verified, paying, payment, channel: null }
    }
    // The credit may be spent by now. Anything else is said by the claim of the call itself, which moves nothing either.
    if (result.outcome !== 'insufficient') return null
  }
  await ledger.doubts.forget(earlier.id)
  return 'gone'
}
