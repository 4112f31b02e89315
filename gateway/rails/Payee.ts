import type { Address } from 'viem'

/** Who is paid, and where deposits lie. */
export type Payee = {
  address: Address
  escrow: Address
  /** Seconds that an offer may be taken up in. */
  timeoutSeconds: number
}
