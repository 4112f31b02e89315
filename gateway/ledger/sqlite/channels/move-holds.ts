import * as Account from '../../Account.ts'
import * as Amount from '../../Amount.ts'
import type { Channel } from '../../Channel.ts'
import { reserve } from '../accounts/reserve.ts'
import type { Books } from '../Books.ts'
import type { Hold } from '../payments/Hold.ts'
import { allHolds, writeHolds } from '../payments/holds.ts'

/**
 * Takes `amount` of the reservations of calls in flight off a channel's prepaid value, the latest first. The same
 * calls hold it on the payer's wallet instead once `again` is called, which is after the value has moved there.
 */
export function moveHolds(books: Books, channel: Channel, amount: bigint): { again: () => void } {
  const { asset } = channel
  const [prepaid, wallet] = [Account.prepaid(channel.id), Account.wallet(channel.payer)]
  const moved: bigint[] = []
  let left = amount
  for (const { payment, holds } of left > 0n ? allHolds(books, asset).reverse() : []) {
    const part = Amount.min(left, heldOn(prepaid, holds))
    if (part <= 0n) continue
    reserve(books, prepaid, asset, -part)
    writeHolds(books, payment, [
      ...holds.filter(({ account }) => account !== prepaid && account !== wallet),
      { account: prepaid, amount: heldOn(prepaid, holds) - part },
      { account: wallet, amount: heldOn(wallet, holds) + part },
    ])
    moved.push(part)
    left -= part
  }
  return {
    again: () => {
      for (const part of moved) reserve(books, wallet, asset, part)
    },
  }
}

function heldOn(account: Account.Account, holds: readonly Hold[]): bigint {
  return holds.reduce((sum, held) => (held.account === account ? sum + held.amount : sum), 0n)
}
