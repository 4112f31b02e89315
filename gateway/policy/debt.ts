import type { Address } from 'viem'
import { GatewayError } from '../errors.ts'

/** A reorganisation took back what the wallet had paid, and it was served for it: no more calls until it is paid. */
export class WalletInDebtError extends GatewayError {
  constructor(wallet: Address, owed: readonly WalletInDebtError.Owed[], publicUrl: URL) {
    const topUp = new URL('/farthing/balance/top-up', publicUrl).href
    super({
      status: 402,
      code: 'wallet-in-debt',
      message:
        `Wallet ${wallet} owes ${owed.map(({ text }) => text).join(' and ')}: a reorganisation of the chain took back what ` +
        `it had paid. It makes no calls until that is cleared: by the transfer itself, once it is on chain again, or by a ` +
        `top-up of that amount (POST ${topUp}?amount=…), which pays the debt first.`,
      details: { wallet, owed: owed.map(({ text: _, ...rest }) => rest), topUp },
    })
  }
}

export declare namespace WalletInDebtError {
  /** Base units as decimal digits; `text` for people. */
  type Owed = { asset: string; symbol: string | null; owed: string; text: string }
}
