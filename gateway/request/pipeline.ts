import type { Address } from 'viem'
import type { Deps } from '../deps.ts'
import { GatewayError } from '../errors.ts'
import { claim } from './claim.ts'
import { exposeHeaders, preflightResponse } from './cors.ts'
import { deliver, deliverFree } from './deliver.ts'
import type { Incoming } from './Incoming.ts'
import { identify } from './identify.ts'
import { managedAnswer } from './managed-answer.ts'
import { match } from './match.ts'
import type { Outgoing } from './Outgoing.ts'
import { permit } from './permit.ts'
import { type Priced, price } from './price.ts'
import { errorAnswer, paymentProblem } from './problem.ts'
import { repeat } from './repeat.ts'
import { refuseWhenStopped } from './stopped.ts'
import { verify } from './verify.ts'

/**
 * One paid request, from its first byte to its last: the order of the steps stands here and nowhere else. Each step
 * takes what the one before it returns. It never throws: whatever goes wrong is an answer.
 */
export async function handle(incoming: Incoming, deps: Deps): Promise<Outgoing> {
  let priced: Priced | null = null
  let proven: Address | null = null
  try {
    const preflight = preflightResponse(incoming, deps)
    if (preflight !== null) return preflight

    const matched = match(incoming, deps)
    refuseWhenStopped(matched, deps)
    const identified = await identify(matched, deps)
    const permitted = await permit(identified, deps)
    proven = identified.signedIn
    priced = await price(permitted, deps)
    if (priced.terms.amount === 0n) return exposeHeaders(await deliverFree(priced, deps))

    const verified = await verify(priced, deps)
    if ('managed' in verified) return exposeHeaders(managedAnswer(verified, deps))
    proven = verified.paying.wallet
    const claimed = await claim(verified, deps)
    if ('repeated' in claimed) return exposeHeaders(await repeat(claimed, verified, deps))
    return exposeHeaders(await deliver(claimed, deps))
  } catch (error) {
    return exposeHeaders(await answerError(error, priced, proven, deps))
  }
}

async function answerError(
  error: unknown,
  priced: Priced | null,
  proven: Address | null,
  deps: Deps,
): Promise<Outgoing> {
  try {
    if (error instanceof GatewayError && error.status === 402 && priced !== null)
      return await paymentProblem(error, priced, proven, deps)
  } catch (broken) {
    return errorAnswer(broken, deps)
  }
  return errorAnswer(error, deps)
}
