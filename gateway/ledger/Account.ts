import type { Address, Hex } from 'viem'

/**
 * The accounts of the books. Balances are credits minus debits; every asset sums to zero over all of them.
 *
 * | Account | Balance means | May it be negative? |
 * |---|---|---|
 * | `treasury` | minus what has arrived on chain at the payee | always ≤ 0 |
 * | `channel:<id>` | minus the voucher value accepted and not yet settled on chain | always ≤ 0 |
 * | `prepaid:<id>` | voucher value accepted and not yet spent: owed to the payer as service | never |
 * | `wallet:<address>` | credit that we owe a wallet | never |
 * | `revenue:<route>` | what a route has earned | never |
 * | `loss` | minus what was delivered and never paid | always ≤ 0 |
 * | `debt:<address>` | minus what a wallet owes, because the chain took back what it had paid | always ≤ 0 |
 */
export type Account =
  | 'treasury'
  | 'loss'
  | `channel:${Hex}`
  | `prepaid:${Hex}`
  | `wallet:${Address}`
  | `debt:${Address}`
  | `revenue:${string}`

/** What has arrived on chain at the payee. */
export const treasury: Account = 'treasury'
/** What was delivered and could not be collected (settlement order `after`). */
export const loss: Account = 'loss'

/** Voucher value that was accepted and is not yet on chain. */
export const channel = (id: Hex): Account => `channel:${id.toLowerCase() as Hex}`
/** Voucher value that was accepted and is not yet spent. */
export const prepaid = (id: Hex): Account => `prepaid:${id.toLowerCase() as Hex}`
/** Credit held for a wallet. */
export const wallet = (address: Address): Account => `wallet:${address.toLowerCase() as Address}`
/** What a wallet owes for what it was given, since a reorganisation took its payment back. */
export const debt = (address: Address): Account => `debt:${address.toLowerCase() as Address}`
/** Earnings of a route, by its id. */
export const revenue = (route: string): Account => `revenue:${route}`

/** One account has one name, however the address or id in it was spelled. Route ids are kept as they are. */
export function sameName<Name extends string>(name: Name): Name {
  return /^(wallet|channel|prepaid|debt):/.test(name) ? (name.toLowerCase() as Name) : name
}

/** May a payment be earned by this account: a route's revenue, or a wallet that is topped up? */
export function canEarn(name: string): boolean {
  return name.startsWith('revenue:') || name.startsWith('wallet:')
}

/** May this account's balance be below zero? */
export function isDebitAccount(name: string): boolean {
  return name === treasury || name === loss || name.startsWith('channel:') || name.startsWith('debt:')
}

/** Is it one of a channel's two accounts? Between those nothing is spent and nothing settled. */
export function isOfChannel(name: string): boolean {
  return name.startsWith('channel:') || name.startsWith('prepaid:')
}
