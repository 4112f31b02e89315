import type { Address, Hex, LocalAccount, PublicClient, WalletClient } from 'viem'
import type { Clock } from './clock.ts'
import type { Discovery } from './Discovery.ts'
import type { Mutex } from './Mutex.ts'
import type { ChannelOffer, Domain } from './offers/Offer.ts'
import type { Rail } from './policy/choose-offer.ts'
import type { Limits } from './policy/Limits.ts'
import type { Pins } from './policy/Pins.ts'
import type { Paid } from './receipt.ts'
import type { Signing } from './Signing.ts'
import type { ChannelStore } from './store/ChannelStore.ts'

/** Who signs: any viem account that can sign typed data. `signMessage` is needed for signing in only. */
export type Signer = Pick<LocalAccount, 'address' | 'signTypedData'> &
  Partial<Pick<LocalAccount, 'signMessage'>>

/** A token whose EIP-712 domain the caller vouches for. */
export type KnownToken = Domain & { chainId: number; address: Address }

/** What every part of the client receives. */
export type Context = {
  account: Signer
  signing: Signing
  /** The account's address in lower case. */
  address: Address
  limits: Limits
  pins: Pins
  rails: readonly Rail[]
  tokens: readonly KnownToken[]
  store: ChannelStore
  fetch: typeof fetch
  clock: Clock
  chain: Chain | undefined
  allowInsecure: boolean
  maxBodyBytes: number
  /** How many calls one voucher may be for. */
  voucherCalls: number
  onPayment: ((payment: Payment) => void) | undefined
  /** One opening, top-up or sign-in at a time. */
  mutex: Mutex
  /** What the gateways say about themselves, by origin; null for a server that is none. */
  discoveries: Map<string, Promise<Discovery | null>>
  /** Bearer tokens by origin. Never written down. */
  bearers: Map<string, { token: string; expiresAt: number }>
  /** Requests whose outcome nobody told, by idempotency key: repeated as they are. Never written down. */
  unknown: Map<string, Unanswered>
  /** The voucher of each channel that was signed last. Never written down. */
  vouchers: Map<Hex, { cumulativeAmount: bigint; signature: Promise<Hex> }>
  /** The last channel offer of a resource, so that its next call needs no 402. */
  offers: Map<string, ChannelOffer>
  /** Receipts already counted, so that a repeated answer is not counted twice. */
  counted: Set<string>
}

/** A paid request without an answer, and how to send it again. */
export type Unanswered = {
  url: string
  method: string
  resume: (signal: AbortSignal | undefined) => Promise<Response>
}

/** Access to the chain, where the caller gave it. */
export type Chain = { publicClient: PublicClient; walletClient: WalletClient | undefined }

/** One payment as the caller is told about it. Amount in base units. */
export type Payment = Paid & {
  url: string
  rail: Rail
  chainId: number
  token: Address
  payee: Address
  idempotencyKey: string
  channelId?: Hex | undefined
}
