import type { Hex } from 'viem'
import type { Balance } from './balance/read-balance.ts'
import type { SignedIn } from './balance/SignIn.ts'
import type { Request, Withdrawal } from './balance/Withdrawal.ts'
import type { Channel } from './channel/Channel.ts'
import type { Closed } from './channel/close-channel.ts'
import type { PaymentStatus } from './payment-status.ts'

/** A fetch that pays, and what goes with it. */
export type PayingFetch = {
  /**
   * As the platform's fetch. A 402 is paid when the limits and pins allow, and the paid answer is returned; a paid
   * redirect is returned as it is. An answer that asks for no readable payment is returned untouched.
   * @throws {PaymentRefusedError} nothing was signed. @throws {PaymentUnknownError} the money may have moved.
   * @throws {ReceiptError} @throws {ChannelError}
   */
  (input: RequestInfo | URL, init?: RequestInit): Promise<Response>
  /** The wallet's channels, as the store has them. */
  channels(): Promise<Channel[]>
  /** Closes a channel through its gateway. */
  close(channelId: Hex): Promise<Closed>
  /** Adds to a channel's deposit. Base units. */
  topUp(channelId: Hex, amount: bigint): Promise<Channel>
  /** Forced close, first step. Needs the chain. `readyAt` in milliseconds since the epoch. */
  requestClose(channelId: Hex): Promise<{ transaction: Hex | undefined; readyAt: number }>
  /** Forced close, second step. Needs the chain. */
  withdraw(channelId: Hex): Promise<{ transaction: Hex; refunded: bigint }>
  /** Rebuilds lost channels from the gateway and the chain. `url` is a resource that they can pay for. */
  recoverChannels(url: string | URL, method?: string): Promise<Channel[]>
  /** Signs in to a gateway with the wallet. */
  signIn(url: string | URL): Promise<SignedIn>
  /** Ends that session. */
  signOut(url: string | URL): Promise<void>
  /** What a gateway holds for the wallet. */
  balance(url: string | URL): Promise<Balance[]>
  /** Asks a gateway to pay credit out on chain, to this wallet or to another address. */
  withdrawBalance(url: string | URL, request: Request): Promise<Withdrawal>
  /** What became of such a withdrawal. */
  withdrawal(url: string | URL, id: string): Promise<Withdrawal>
  /** What became of a payment of this wallet, signed by the gateway. Undefined when it does not say. */
  payment(url: string | URL, paymentId: string): Promise<PaymentStatus | undefined>
  /** Forgets the terms first seen at an origin, so that the next 402 sets them anew. */
  forget(url: string | URL): Promise<void>
}
