import {
  type Address,
  createPublicClient,
  createWalletClient,
  http,
  type LocalAccount,
  type PublicClient,
  type WalletClient,
} from 'viem'
import { readBalance } from './balance/read-balance.ts'
import { signIn, signOut } from './balance/SignIn.ts'
import { readWithdrawal } from './balance/Withdrawal.ts'
import { withdraw as withdrawCredit } from './balance/withdraw.ts'
import * as Call from './Call.ts'
import type { Chain, Context, KnownToken, Payment, Signer } from './Context.ts'
import { challenge, closeChannel, known, resourceOf } from './channel/close-channel.ts'
import { requestClose, withdraw } from './channel/force-close.ts'
import { recoverChannels } from './channel/recover-channels.ts'
import { topUpChannel } from './channel/top-up-channel.ts'
import { type Clock, systemClock } from './clock.ts'
import { Mutex } from './Mutex.ts'
import type { PayingFetch } from './PayingFetch.ts'
import { payCall } from './pay-call.ts'
import { paymentStatus } from './payment-status.ts'
import type { Rail } from './policy/choose-offer.ts'
import type { Limits } from './policy/Limits.ts'
import type { Pins } from './policy/Pins.ts'
import { requireSecure } from './require-secure.ts'
import { createSigning } from './Signing.ts'
import type { ChannelStore } from './store/ChannelStore.ts'
import { createMemoryStore } from './store/memory.ts'

/**
 * Makes a fetch that pays for what it fetches, over MPP (`evm`/`charge`, `evm`/`session`) and x402 v2 (`exact`), within
 * limits that are checked before anything is signed.
 */
export function createPayingFetch(options: createPayingFetch.Options): PayingFetch {
  const context = makeContext(options)
  const origin = (url: string | URL) => {
    const parsed = new URL(url)
    requireSecure(parsed, context.allowInsecure)
    return parsed.origin
  }
  const fetchAndPay = async (input: RequestInfo | URL, init?: RequestInit) =>
    payCall(context, await Call.from(input, init, context.maxBodyBytes))
  return Object.assign(fetchAndPay, {
    channels: async () => {
      const { channels } = await context.store.read()
      return Object.values(channels).filter(({ payer }) => payer === context.address)
    },
    close: (channelId) => closeChannel(context, channelId),
    topUp: async (channelId, amount) => {
      const channel = await known(context, channelId)
      const call = resourceOf(channel)
      requireSecure(call.url, context.allowInsecure)
      const offer = await challenge(context, channel, call)
      return context.mutex.run(`top up ${channelId}`, () =>
        topUpChannel(context, call, { ...offer, suggestedDeposit: undefined }, channelId, amount),
      )
    },
    requestClose: (channelId) => requestClose(context, channelId),
    withdraw: (channelId) => withdraw(context, channelId),
    recoverChannels: async (url, method) => {
      origin(url)
      return recoverChannels(context, new URL(url), method)
    },
    signIn: async (url) => signIn(context, origin(url)),
    signOut: async (url) => signOut(context, origin(url)),
    balance: async (url) => readBalance(context, origin(url)),
    withdrawBalance: async (url, request) => withdrawCredit(context, origin(url), request),
    withdrawal: async (url, id) => readWithdrawal(context, origin(url), id),
    payment: async (url, paymentId) => paymentStatus(context, origin(url), paymentId),
    forget: async (url) => {
      const { origin } = new URL(url)
      context.discoveries.delete(origin)
      await context.store.update((state) => {
        delete state.pins[origin]
      })
    },
  } satisfies Omit<PayingFetch, never>) as PayingFetch
}

export declare namespace createPayingFetch {
  type Options = {
    /** Who pays and signs: a viem account. */
    account: Signer
    limits: Limits
    /** Default: memory, which forgets channels and day limits with the process. */
    store?: ChannelStore | undefined
    /** Default: the platform's. */
    fetch?: typeof fetch | undefined
    clock?: (Pick<Clock, 'now'> & Partial<Clock>) | undefined
    /** Which rails may be used, in the order of preference. Default: channel, then charge. */
    rails?: readonly Rail[] | undefined
    /** What may be paid. Default: the first terms seen at each origin. */
    pins?: Pins | undefined
    /** EIP-712 names of tokens, for servers that do not state them. */
    tokens?: readonly KnownToken[] | undefined
    /** A JSON-RPC endpoint: for channels that the payer must open itself, forced closes, and recovery. */
    rpcUrl?: string | undefined
    /** Instead of `rpcUrl`. */
    publicClient?: PublicClient | undefined
    /** Instead of `rpcUrl`; must have the account attached. */
    walletClient?: WalletClient | undefined
    /** Allows plain HTTP to other machines. */
    allowInsecure?: boolean | undefined
    /** Most of a one-shot body stream that is kept for sending twice. Default: 10 MiB. */
    maxBodyBytes?: number | undefined
    /**
     * How many calls one voucher may be for: above 1, it is signed ahead for calls to come, which then need no signature
     * here and hardly any check there. What a seller could take for calls that were not made stays within `limits.ahead`.
     * Default: 1.
     */
    voucherCalls?: number | undefined
    /** Told of each payment when its receipt is checked. */
    onPayment?: ((payment: Payment) => void) | undefined
  }
}

function makeContext(options: createPayingFetch.Options): Context {
  return {
    account: options.account,
    signing: createSigning(options.account),
    address: options.account.address.toLowerCase() as Address,
    limits: options.limits,
    pins: options.pins ?? {},
    rails: options.rails ?? ['channel', 'charge'],
    tokens: options.tokens ?? [],
    store: options.store ?? createMemoryStore(),
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    clock: { ...systemClock, ...options.clock, now: () => (options.clock ?? systemClock).now() },
    chain: chainOf(options),
    allowInsecure: options.allowInsecure ?? false,
    maxBodyBytes: options.maxBodyBytes ?? 10 * 1024 * 1024,
    voucherCalls: voucherCallsOf(options),
    onPayment: options.onPayment,
    mutex: new Mutex(),
    discoveries: new Map(),
    bearers: new Map(),
    unknown: new Map(),
    vouchers: new Map(),
    offers: new Map(),
    counted: new Set(),
  }
}

/** @throws {RangeError} */
function voucherCallsOf({ voucherCalls = 1 }: createPayingFetch.Options): number {
  if (Number.isSafeInteger(voucherCalls) && voucherCalls >= 1) return voucherCalls
  throw new RangeError(`voucherCalls ${voucherCalls} is no number of calls. Fix: give an integer from 1.`)
}

function chainOf(options: createPayingFetch.Options): Chain | undefined {
  const { rpcUrl, account } = options
  const transport = rpcUrl === undefined ? undefined : http(rpcUrl)
  const publicClient =
    options.publicClient ?? (transport === undefined ? undefined : createPublicClient({ transport }))
  if (publicClient === undefined) return undefined
  const walletClient =
    options.walletClient ??
    (transport !== undefined && isLocal(account) ? createWalletClient({ account, transport }) : undefined)
  return { publicClient, walletClient }
}

function isLocal(account: Signer): account is LocalAccount {
  return 'signTransaction' in account && 'type' in account && account.type === 'local'
}
