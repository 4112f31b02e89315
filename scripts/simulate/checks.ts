import type { Hex } from 'viem'
import { encodeFunctionData, hexToBigInt } from 'viem'
import * as Account from '../../gateway/ledger/Account.ts'
import * as Asset from '../../gateway/ledger/Asset.ts'
import type { Payment } from '../../gateway/ledger/Payment.ts'
import { tokenAbi } from '../../gateway/protocol/abi.ts'
import { reconcile } from '../../gateway/settlement/reconcile.ts'
import { type Call, isAcknowledged } from './Call.ts'
import type { Payer } from './Payer.ts'
import { chainId } from './SimulatedChain.ts'
import type { World } from './World.ts'

/** Everything that must hold once a run has come to rest: books, chain, and what each payer wrote down. */
export async function check(world: World, payers: readonly Payer[]): Promise<void> {
  await checkBooks(world)
  await checkChain(world)
  for (const payer of payers) {
    for (const call of payer.notebook.calls) await checkCall(world, call)
    await checkChannels(world, payer)
    await checkWallet(world, payer)
  }
}

/** The five laws, and nothing left undone. */
async function checkBooks(world: World): Promise<void> {
  const audit = await world.books.audit()
  for (const { law, holds, violations } of audit.laws)
    if (!holds) world.violate(`Law ${law}: ${violations.slice(0, 3).join('; ')}`)
  for (const { id, delivery, money } of await world.books.openPayments(1_000))
    world.violate(`${id} has not ended: ${delivery}/${money}.`)
  for (const { kind, state, hash } of await world.books.openIntents())
    world.violate(`A ${kind} transaction has not ended: ${state} ${hash.slice(0, 12)}.`)
}

/** The books and the chain say the same, and the chain conserves the token. */
async function checkChain(world: World): Promise<void> {
  const { chain, books } = world
  const gateway = world.current?.gateway ?? null
  if (gateway === null) return world.violate('No gateway serves.')
  const differences = await reconcile({ ledger: books, chain: world.plainChain(), tokens: [chain.token] })
  for (const { text } of differences.differences) world.violate(`Reconciliation: ${text}`)
  const holders = [chain.payee.address, chain.escrow, ...chain.payers.map(({ address }) => address)]
  let sum = 0n
  for (const holder of holders) sum += await balanceOf(world, holder)
  const minted = chain.funds.reduce((total, amount) => total + amount, 0n)
  if (sum !== minted) world.violate(`The chain holds ${sum} of ${minted} minted.`)
}

/** One call: paid for once, served once, or not at all. */
async function checkCall(world: World, call: Call): Promise<void> {
  const payment = await world.books.payment({ key: call.key })
  const runs = world.upstream.runs(call.id)
  const say = (text: string) =>
    world.violate(
      `${call.id} (${call.rail}, ${call.settle}, ${call.outcome}, ${payment === null ? 'not in the books' : `${payment.delivery}/${payment.money}`}): ${text}`,
    )
  const voids = payment === null ? 0 : world.voids(payment.id)
  const most = payment === null ? 0 : payment.delivery === 'void' ? voids : voids + 1
  if (call.kind === 'call' && runs.length > most)
    say(`the upstream ran ${runs.length} times for ${most} claims.`)
  if (new Set(call.answers).size > 1 && call.kind === 'call') say('two different answers were delivered.')
  for (const { jti } of call.receipts) if (jti !== payment?.id) say(`its receipt is for ${jti}.`)
  if (call.nonce !== null) await checkTransfer(world, call, payment, say)
  if (payment === null) {
    if (isAcknowledged(call)) say('it was answered.')
    return
  }
  const paid = payment.money === 'captured' || payment.money === 'settled'
  if (paid && payment.charged !== call.price)
    say(`it was charged ${payment.charged} and costs ${call.price}.`)
  if (paid && call.outcome !== 'answered') {
    // What is not kept can be lost on the way: the payer must at least have been told.
    if (call.outcome !== 'claimed' || (await world.books.answer(payment.id)) !== null)
      say('it was charged, and its caller cannot have the answer.')
  }
  const owed = payment.money === 'lost' || payment.money === 'reversed'
  if (call.outcome === 'answered' && !paid && !owed && !isGift(call, payment))
    say('it was answered and not charged.')
  if (payment.money === 'lost' && call.settle !== 'after') say('it was delivered before it was paid.')
  if (call.outcome === 'open') say('its caller was never told what became of it.')
}

/**
 * A stream that reached its caller whole and costs nothing, because the process died, or its books were out of reach,
 * before it could say so. The seller bears it; the README of gateway/request says where.
 */
const isGift = (call: Call, { delivery, money }: Payment) =>
  (delivery === 'failed' && (money === 'refunded' || money === 'credited')) ||
  (call.settle === 'after' && money === 'void')

/** The transfer that was signed moved if and only if the books say so. */
async function checkTransfer(
  world: World,
  call: Call,
  payment: Payment | null,
  say: (text: string) => void,
): Promise<void> {
  const [, , , from = '', nonce = ''] = call.key.split(':')
  const data = encodeFunctionData({
    abi: tokenAbi,
    functionName: 'authorizationState',
    args: [from as Hex, nonce as Hex],
  })
  const used =
    hexToBigInt(
      (await world.chain.request('eth_call', [{ to: world.chain.token, data }, 'latest'])) as Hex,
    ) === 1n
  const booked = payment !== null && (payment.money === 'settled' || payment.money === 'credited')
  const refunded = payment?.money === 'refunded'
  if (used !== booked && !refunded)
    say(
      used
        ? 'its transfer moved, and the books do not have it.'
        : 'the books have a transfer that never moved.',
    )
}

/**
 * What a channel has spent is what its payer knows to have bought. Of one that its payer left through the escrow, the
 * lowest voucher that covers it may be settled: what is above is credit, and `checkWallet` finds it there.
 */
async function checkChannels(world: World, payer: Payer): Promise<void> {
  for (const { id, leftAt } of payer.notebook.channels) {
    const channel = await world.books.channel(id)
    if (channel === null) continue
    const known = payer.notebook.acknowledged(id)
    const most = leftAt > 0 ? payer.notebook.signed(id) : known
    for (const counter of ['settled', 'spent'] as const)
      if (channel[counter] > most)
        world.violate(
          `Channel ${id.slice(0, 12)} has ${counter} ${channel[counter]}; ${payer.name} acknowledges ${known}.`,
        )
  }
}

/** Every base unit that left a wallet bought an answer that its owner has, or is credit, or lies in an open channel. */
async function checkWallet(world: World, payer: Payer): Promise<void> {
  const { chain, books } = world
  const { address } = payer.signer
  const left = payer.funds - (await balanceOf(world, address))
  const credit = (await books.balance(Account.wallet(address), Asset.of(chainId, chain.token))).posted
  // What the chain took back is owed: it was had, and not paid.
  const debt = -(await books.balance(Account.debt(address), Asset.of(chainId, chain.token))).posted
  let expected = credit - debt
  for (const call of payer.notebook.calls) {
    if (call.kind === 'top-up' || (call.outcome !== 'answered' && call.outcome !== 'claimed')) continue
    const payment = await books.payment({ key: call.key })
    if (payment === null || payment.money === 'lost' || isGift(call, payment)) continue
    expected += call.price
  }
  for (const { id } of payer.notebook.channels) {
    const channel = await books.channel(id)
    if (channel === null) continue
    // What was spent of a deposit that the chain took back is a debt of the wallet, counted above.
    const spent = channel.spent - channel.inDebt
    if (!channel.finalized) expected += channel.deposit - channel.depositMissing - spent
    // Spent and never settled: the payer took the rest before we could. The seller bears it.
    else expected -= spent - channel.settled
  }
  if (left !== expected)
    world.violate(
      `${payer.name} is ${left} poorer on chain; it has had, or has as credit or deposit, ${expected}.`,
    )
}

async function balanceOf(world: World, owner: Hex): Promise<bigint> {
  const data = encodeFunctionData({ abi: tokenAbi, functionName: 'balanceOf', args: [owner] })
  return hexToBigInt(
    (await world.chain.request('eth_call', [{ to: world.chain.token, data }, 'latest'])) as Hex,
  )
}
