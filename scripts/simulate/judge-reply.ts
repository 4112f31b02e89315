import type { Address } from 'viem'
import * as SignedReceipt from '../../gateway/protocol/SignedReceipt.ts'
import type { Call } from './Call.ts'
import type { Reply } from './network.ts'
import type { World } from './World.ts'

/** Writes down what a caller learns from an answer, and checks what can be checked at once. */
export async function judgeReply(
  world: World,
  call: Call,
  reply: Reply | null,
  wallet: Address,
): Promise<void> {
  if (reply === null) {
    call.lost += 1
    return
  }
  const { status, headers, body, whole } = reply
  const problem = problemIn(reply)
  const said = `${call.id} got ${status} ${problem?.code ?? ''}${whole ? '' : ' broken off'}`
  world.journal.say(said.trimEnd())
  if (status === 200 && problem === null) {
    const receipt = readReceipt(world, headers.get(SignedReceipt.header))
    if (receipt === null) world.violate(`${call.id} was answered without a receipt that can be verified.`)
    else await checkReceipt(world, call, receipt, wallet)
    if (!whole) {
      call.broken += 1
      return
    }
    call.answers.push(body)
    call.outcome = 'answered'
    return
  }
  if (call.outcome === 'answered') return
  if (problem?.code === 'internal-error') world.violate(`${call.id} met an internal error.`)
  call.outcome = outcomeOf(status, headers, problem) ?? call.outcome
}

function outcomeOf(status: number, headers: Headers, problem: Problem | null): Call['outcome'] | null {
  if (headers.has('farthing-credited') || problem?.credited !== undefined) return 'credited'
  switch (problem?.code) {
    case 'payment-unknown':
    case 'payment-in-progress':
    case 'ledger-unavailable':
    case 'chain-unavailable':
    case 'internal-error':
      return null
    case 'already-delivered':
      return 'claimed'
    case 'payment-credited':
      return 'credited'
  }
  return status === 402 || status === 409 || status === 410 ? 'refused' : 'failed'
}

/** A receipt that somebody holds is in the books, charged as it says. */
async function checkReceipt(
  world: World,
  call: Call,
  receipt: SignedReceipt.Claims,
  wallet: Address,
): Promise<void> {
  call.receipts.push(receipt)
  if (receipt.amount !== call.price || receipt.sub !== wallet || receipt.rail !== call.rail)
    world.violate(`${call.id} costs ${call.price}; its receipt says ${receipt.amount} on ${receipt.rail}.`)
  const payment = await world.books.payment({ id: receipt.jti })
  if (payment === null)
    return world.violate(`${call.id} has a receipt for ${receipt.jti}, which is not in the books.`)
  const charged = payment.money === 'settled' || payment.money === 'captured'
  const givenBack =
    payment.money === 'refunded' || payment.money === 'credited' || payment.money === 'reversed'
  if (call.settle === 'after' && call.rail === 'charge') return
  if (!charged && !givenBack)
    world.violate(`${call.id} has a receipt; its payment is ${payment.delivery}/${payment.money}.`)
}

function readReceipt(world: World, jws: string | null): SignedReceipt.Claims | null {
  const found = jws === null ? null : SignedReceipt.parts(jws)
  if (found === null || world.keys.receipt.sign(found.signs) !== found.signature) return null
  const parsed = JSON.parse(Buffer.from(found.claims, 'base64url').toString()) as Record<string, unknown>
  return { ...parsed, amount: BigInt(String(parsed.amount)) } as unknown as SignedReceipt.Claims
}

type Problem = { code: string; credited?: unknown }

function problemIn({ headers, body }: Reply): Problem | null {
  if (!(headers.get('content-type') ?? '').startsWith('application/problem+json')) return null
  return JSON.parse(body) as Problem
}
