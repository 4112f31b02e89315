/** The client's public door. Runs in browsers; `client/node.ts` adds what needs Node. */
export { createKeyAccount } from './account/create-key-account.ts'
export type { Balance } from './balance/read-balance.ts'
export type { SignedIn } from './balance/SignIn.ts'
export type { Request as WithdrawalRequest, Withdrawal } from './balance/Withdrawal.ts'
export type { KnownToken, Payment, Signer } from './Context.ts'
export type { Channel } from './channel/Channel.ts'
export type { Closed } from './channel/close-channel.ts'
export type { Clock } from './clock.ts'
export { createPayingFetch } from './create-paying-fetch.ts'
export {
  ChannelError,
  PaymentError,
  PaymentRefusedError,
  PaymentUnknownError,
  ReceiptError,
} from './errors.ts'
export type { PayingFetch } from './PayingFetch.ts'
export type { PaymentStatus } from './payment-status.ts'
export type { Rail } from './policy/choose-offer.ts'
export type { Limits } from './policy/Limits.ts'
export type { Pins } from './policy/Pins.ts'
export type { Paid } from './receipt.ts'
export type { ChannelStore } from './store/ChannelStore.ts'
export { createMemoryStore } from './store/memory.ts'
export { InvalidStateError, type State } from './store/State.ts'
