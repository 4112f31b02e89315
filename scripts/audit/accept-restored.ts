import type { Hex } from 'viem'
import type { Chain } from '../../gateway/chain/Chain.ts'
import * as ChargeOrder from '../../gateway/chain/ChargeOrder.ts'
import type { Clock } from '../../gateway/clock.ts'
import * as Account from '../../gateway/ledger/Account.ts'
import * as Asset from '../../gateway/ledger/Asset.ts'
import type { Ledger } from '../../gateway/ledger/Ledger.ts'
import { split } from '../../gateway/settlement/reconcile.ts'
import { findRestored, type Restored } from '../../gateway/settlement/restored.ts'

/** What was booked. */
export type Accepted = { channels: Hex[]; charges: string[] }

/**
 * Books what the chain knows and restored books do not, as an operator has decided: what was settled on a suspended channel
 * was earned, in calls that nobody remembers, and so were transfers of which no payment is known. Suspended channels take
 * vouchers again. Asking again changes nothing.
 */
export async function acceptRestored(options: acceptRestored.Options): Promise<Accepted> {
  const { ledger, chain, fromBlock, clock } = options
  const accepted: Accepted = { channels: [], charges: [] }
  const to = (await chain.head()).number - BigInt(chain.confirmations) + 1n
  const suspended = (await ledger.channels({})).filter((channel) => channel.suspended !== null)
  const settlements = new Map<string, { cumulative: bigint; ref: Ledger.ChainRef }[]>()
  if (suspended.length > 0)
    for (const range of split({ from: fromBlock, to }, 2_000n))
      for (const event of await chain.escrowEvents(range)) {
        if (event.name !== 'settled') continue
        const { transaction, logIndex, block, cumulative } = event
        const id = event.channelId.toLowerCase()
        const known = settlements.get(id) ?? []
        settlements.set(id, [
          ...known,
          { cumulative, ref: { chainId: chain.id, transaction, logIndex, block } },
        ])
      }
  for (const { id } of suspended) {
    const found = await chain.channel(id, to)
    await ledger.acceptRestored({
      id,
      settlements: settlements.get(id) ?? [],
      finalized: found?.finalized ?? false,
      now: clock.now(),
    })
    accepted.channels.push(id)
  }
  for (const charge of (await findRestored({ ...options, from: fromBlock })).charges)
    accepted.charges.push(await acceptCharge(charge, options))
  if (accepted.channels.length + accepted.charges.length > 0)
    await ledger.note({
      kind: 'restore-accepted',
      body: { channels: accepted.channels.length, charges: accepted.charges.length },
    })
  return accepted
}

/** A transfer under an authorization that the books do not know: under its own payment key, so that it buys nothing more. */
async function acceptCharge(charge: Restored.Charge, options: acceptRestored.Options): Promise<string> {
  const { ledger, chain, clock } = options
  const { token, from, nonce, value, ref } = charge
  const message = { from, to: chain.payee, value, validAfter: 0n, validBefore: 0n, nonce }
  const signature: Hex = `0x${'00'.repeat(65)}`
  const claimed = await ledger.claim({
    id: `pay_restored_${nonce.slice(2, 34)}`,
    key: ChargeOrder.keyOf(chain.id, token, from, nonce),
    fingerprint: 'restored',
    dialect: 'x402',
    wallet: from,
    route: 'restored',
    asset: Asset.of(chain.id, token),
    amount: value,
    earns: Account.revenue('restored'),
    now: clock.now(),
    from: {
      rail: 'charge',
      settlement: ChargeOrder.serialize({ kind: 'transferWithAuthorization', token, message, signature }),
    },
  })
  if (claimed.outcome !== 'fresh')
    throw new Error(`The transfer in ${ref.transaction} is ${claimed.outcome}.`)
  const { id } = claimed.payment
  await ledger.settled({ paymentId: id, ref, deliver: 'delivered' })
  return id
}

export declare namespace acceptRestored {
  type Options = {
    ledger: Ledger
    chain: Chain
    tokens: findRestored.Options['tokens']
    fromBlock: bigint
    clock: Clock
  }
}
