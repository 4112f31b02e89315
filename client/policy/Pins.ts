import { type Address, zeroAddress } from 'viem'
import { PaymentRefusedError } from '../errors.ts'
import type { Offer } from '../offers/Offer.ts'
import type { Pin } from '../store/State.ts'

/**
 * What may be paid at all. A list given here is the rule; where none is given, the first terms seen at an origin are
 * kept in the store and later offers of that origin must match them.
 */
export type Pins = {
  chainIds?: readonly number[] | undefined
  tokens?: readonly Address[] | undefined
  payees?: readonly Address[] | undefined
  escrows?: readonly Address[] | undefined
}

/** Why these terms may not be paid, or undefined when they may. */
export function complaint(
  offer: Offer,
  pins: Pins,
  seen: Pin | undefined,
): { rule: string; reason: string } | undefined {
  if (offer.payee === zeroAddress || offer.token === zeroAddress)
    return { rule: 'offer', reason: 'names the zero address' }
  const checks: ReadonlyArray<readonly [string, string, string | undefined, readonly string[] | undefined]> =
    [
      ['chainIds', String(offer.chainId), text(seen?.chainId), pins.chainIds?.map(String)],
      ['tokens', offer.token, seen?.token, pins.tokens?.map(lower)],
      ['payees', offer.payee, seen?.payee, pins.payees?.map(lower)],
      ...(offer.rail === 'channel'
        ? ([['escrows', offer.escrow, seen?.escrow, pins.escrows?.map(lower)]] as const)
        : []),
    ]
  for (const [name, offered, known, listed] of checks) {
    if (listed !== undefined && !listed.includes(offered))
      return { rule: `pins.${name}`, reason: `asks for ${offered}, which is not in pins.${name}` }
    if (listed === undefined && known !== undefined && known !== offered)
      return { rule: `pins.${name}`, reason: `asks for ${offered}; this origin has always been ${known}` }
  }
  return undefined
}

/** The pin of an origin after these terms were paid: what was known stays, what was not is added. */
export function extend(seen: Pin | undefined, offer: Offer): Pin {
  return {
    ...seen,
    chainId: seen?.chainId ?? offer.chainId,
    token: seen?.token ?? offer.token,
    payee: seen?.payee ?? offer.payee,
    escrow: seen?.escrow ?? (offer.rail === 'channel' ? offer.escrow : undefined),
  }
}

/** @throws {PaymentRefusedError} the terms changed between the choice and the signature. */
export function demand(offer: Offer, pins: Pins, seen: Pin | undefined): void {
  const found = complaint(offer, pins, seen)
  if (found !== undefined)
    throw new PaymentRefusedError({
      code: 'pin-mismatch',
      rule: found.rule,
      message: `The ${offer.rail} offer ${found.reason}.`,
      fix: `if you trust the new terms, add them to ${found.rule} or forget the origin.`,
    })
}

const lower = (address: Address) => address.toLowerCase()
const text = (value: number | undefined) => (value === undefined ? undefined : String(value))
