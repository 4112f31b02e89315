import type { Address, Hex } from 'viem'
import type { Account } from '../../Account.ts'
import type { Asset } from '../../Asset.ts'
import type { DeliveryState, Dialect, MoneyState, Payment, Rail } from '../../Payment.ts'

/** A row of the table. */
export type PaymentRow = {
  id: string
  key: string
  family: string
  repeat: number
  fingerprint: string
  rail: Rail
  dialect: Dialect
  wallet: Address
  route: string
  asset: Asset
  amount: string
  charged: string
  earns: Account
  delivery: DeliveryState
  money: MoneyState
  channel_id: Hex | null
  cumulative: string | null
  tx: Hex | null
  settlement: string | null
  bytes: number | null
  whole: number | null
  at_risk: number
  reversed: number
  owner: string | null
  holds: string
  reason: string | null
  created_at: number
  updated_at: number
}

/** As the ledger's callers know it. */
export function toPayment(row: PaymentRow): Payment {
  return {
    id: row.id,
    key: row.key,
    fingerprint: row.fingerprint,
    rail: row.rail,
    dialect: row.dialect,
    wallet: row.wallet,
    route: row.route,
    asset: row.asset,
    amount: BigInt(row.amount),
    charged: BigInt(row.charged),
    earns: row.earns,
    delivery: row.delivery,
    money: row.reversed === 1 ? 'reversed' : row.money,
    channelId: row.channel_id,
    cumulative: row.cumulative === null ? null : BigInt(row.cumulative),
    transaction: row.tx,
    settlement: row.settlement,
    delivered: row.bytes === null ? null : { bytes: row.bytes, whole: row.whole === 1 },
    atRisk: row.at_risk === 1,
    owner: row.owner,
    reason: row.reason,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
