import type { Deps } from '../deps.ts'
import { GatewayError } from '../errors.ts'
import type { Delivered, Payment } from '../ledger/Payment.ts'
import { preflight } from '../rails/charge/preflight.ts'
import type { VerifiedCharge } from '../rails/charge/verify-charge.ts'
import { PaymentRefusedError, PaymentUnknownError } from '../rails/payment-error.ts'
import { keptOf } from './broken-stream.ts'
import { type Called, callTarget } from './call-target.ts'
import type { Claimed } from './claim.ts'
import { identityOf, isCharged, uncharged, voidIfThrown, watchOf } from './deliver.ts'
import type { Outgoing } from './Outgoing.ts'
import { respond, stream } from './respond.ts'
import { type Answer, seal } from './sealed-answer.ts'
import { takeAnswer } from './take-answer.ts'

/** One transfer for one call, in the order of settlement that the route states. */
export async function deliverCharge(claimed: Claimed, charge: VerifiedCharge, deps: Deps): Promise<Outgoing> {
  switch (claimed.route.settle) {
    case 'before-call':
      return settleThenCall(claimed, deps)
    case 'before-release':
      return callThenSettle(claimed, charge, deps)
    case 'after':
      if (claimed.payment.atRisk) return releaseThenSettle(claimed, charge, deps)
      deps.log.warn({ route: claimed.route.id, payment: claimed.payment.id }, 'loss budget is used up')
      return callThenSettle(claimed, charge, deps)
  }
}

/**
 * `before-call`. Once the transfer is mined the caller's money has moved, so from there on every failure becomes credit
 * of its wallet.
 */
async function settleThenCall(claimed: Claimed, deps: Deps): Promise<Outgoing> {
  const settled = await settle(claimed, null, 'delivering', deps)
  const receipted = { ...claimed, payment: settled }
  const failed = async (reason: string) => {
    if (claimed.route.earns === 'payer') return deps.ledger.complete(settled.id)
    return deps.ledger.refund(settled.id, reason)
  }
  let called: Called
  let answer: Answer | null = null
  try {
    called = await callTarget(claimed, identityOf(claimed), deps)
    if (isCharged(called)) answer = await takeAnswer(called, deps.config.limits.storedAnswerBytes)
  } catch (error) {
    const ended = await failed(error instanceof Error ? error.message : 'The call failed.')
    throw error instanceof GatewayError ? new PaidCallFailedError(error, ended) : error
  }
  if (!isCharged(called)) {
    const { id, amount } = await failed(`The upstream answered ${called.status}.`)
    const headers = [...called.headers, 'farthing-payment', id, 'farthing-credited', amount.toString()]
    return { status: called.status, headers, body: called.body }
  }
  if (answer === null) return stream(called, receipted, watchOf(settled, called, claimed.route, deps), deps)
  await deps.ledger.storeAnswer(settled.id, seal(answer, settled.id, deps.keys.answer))
  await deps.ledger.complete(settled.id)
  return respond(answer, receipted, deps)
}

/**
 * `before-release`. The upstream answers; its stream is held back, unread, while the transfer is settled; then the
 * answer is released. A dead upstream costs nothing, and an unsettled payment gets no byte.
 */
async function callThenSettle(claimed: Claimed, charge: VerifiedCharge, deps: Deps): Promise<Outgoing> {
  const { called, answer } = await call(claimed, charge, deps)
  if (!isCharged(called)) return uncharged(claimed, called, deps)
  try {
    const settled = await settle(claimed, answer, answer === null ? 'delivering' : 'delivered', deps)
    const receipted = { ...claimed, payment: settled }
    return answer === null
      ? await stream(called, receipted, watchOf(settled, called, claimed.route, deps), deps)
      : await respond(answer, receipted, deps)
  } catch (error) {
    called.cancel()
    throw error
  }
}

/**
 * `after`, within the loss budget. The answer is released at once and settled behind the caller's back; the seller bears
 * a failure.
 */
async function releaseThenSettle(claimed: Claimed, charge: VerifiedCharge, deps: Deps): Promise<Outgoing> {
  const { called, answer } = await call(claimed, charge, deps)
  if (!isCharged(called)) return uncharged(claimed, called, deps)
  const { ledger, keys } = deps
  const { payment } = claimed
  const receipted = { ...claimed, payment: { ...payment, charged: payment.amount } }
  if (answer !== null) {
    const settling = await ledger.settling({
      paymentId: payment.id,
      answer: seal(answer, payment.id, keys.answer),
    })
    await ledger.complete(payment.id)
    void settleBehind(settling, deps)
    return respond(answer, receipted, deps)
  }
  // A stream is not charged before its end: it may be long, and a payment that says `settling` for long is taken for
  // one that nobody follows. One that breaks is not sent, unless the route keeps the whole price of it.
  const whole = async (delivered: Delivered) => {
    const settling = await ledger.settling({ paymentId: payment.id })
    await ledger.complete(payment.id, delivered)
    await settleBehind(settling, deps)
  }
  const broken = async (delivered: Delivered) => {
    const kept = keptOf(claimed.route.brokenStream, payment.amount, delivered.bytes, null)
    if (kept === payment.amount) await whole(delivered)
    else await ledger.void(payment.id, 'The answer broke off.')
  }
  return stream(called, receipted, { whole, broken }, deps)
}

/** Settles what was delivered. Never throws: what it cannot end, the resolver will. */
async function settleBehind(settling: Payment, { ledger, charges, abandoned, log }: Deps): Promise<void> {
  try {
    const outcome = await charges.settle(settling)
    if (outcome.status === 'settled')
      await ledger.settled({ paymentId: settling.id, ref: outcome.ref, deliver: 'delivered' })
    else if (outcome.status === 'refused') await ledger.lost(settling.id, outcome.reason)
    else await ledger.unknown(settling.id, outcome.reason)
  } catch (error) {
    abandoned.add(settling.id)
    log.error({ err: error, payment: settling.id }, 'settling after release failed')
  }
}

async function call(
  claimed: Claimed,
  charge: VerifiedCharge,
  deps: Deps,
): Promise<{ called: Called; answer: Answer | null }> {
  return voidIfThrown(claimed, deps, async () => {
    await preflight(charge, claimed.terms.token, deps.chain)
    const called = await callTarget(claimed, identityOf(claimed), deps)
    const answer = isCharged(called) ? await takeAnswer(called, deps.config.limits.storedAnswerBytes) : null
    return { called, answer }
  })
}

/**
 * Moves the money, and books it in the step that says what the caller gets for it.
 * @throws {PaymentRefusedError} it cannot move; nothing is charged. {PaymentUnknownError} the chain does not say.
 */
async function settle(
  claimed: Claimed,
  answer: Answer | null,
  deliver: 'delivered' | 'delivering',
  { ledger, charges, keys, log }: Deps,
): Promise<Payment> {
  const { payment, incoming } = claimed
  const stored = answer === null ? undefined : seal(answer, payment.id, keys.answer)
  // From here on money may move, and whoever hangs up cannot be told.
  const gone = () =>
    void ledger.doubts
      .add(payment.id)
      .catch((error: unknown) => log.error({ err: error, payment: payment.id }, 'noting a doubt failed'))
  if (incoming.gone.aborted) gone()
  else incoming.gone.addEventListener('abort', gone, { once: true })
  const outcome = await charges.settle(payment, stored)
  switch (outcome.status) {
    case 'settled':
      return ledger.settled({ paymentId: payment.id, ref: outcome.ref, deliver })
    case 'refused':
      await ledger.void(payment.id, outcome.reason)
      throw new PaymentRefusedError(
        'verification-failed',
        `The transfer cannot be settled: ${outcome.reason}.`,
      )
    case 'unknown':
      await ledger.unknown(payment.id, outcome.reason)
      throw new PaymentUnknownError(payment.id, outcome.reason)
  }
}

/** The money had moved and the call failed: why, and where the money is. */
class PaidCallFailedError extends GatewayError {
  constructor(cause: GatewayError, { id, amount, wallet }: Payment) {
    super({
      status: cause.status,
      code: cause.code,
      message: `${cause.message} The payment had been made: ${amount} base units are credit of wallet ${wallet}.`,
      details: { ...cause.details, paymentId: id, credited: amount.toString() },
      cause,
    })
  }
}
