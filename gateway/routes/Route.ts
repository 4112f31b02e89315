import type { Rail } from '../ledger/Payment.ts'
import type { Gate } from '../policy/Gate.ts'
import type { Token } from './Token.ts'

/**
 * When the transfer of a `charge` is sent, relative to the call.
 *
 * | Order | The upstream fails | The transfer fails | The chain does not answer |
 * |---|---|---|---|
 * | `before-call` | the amount becomes credit of the payer's wallet | nothing is called | 503; nothing is called |
 * | `before-release` | nothing is charged | no byte of the answer leaves | 503; no byte leaves |
 * | `after` | nothing is charged | the seller has lost the price of one call | asked again until known |
 */
export type SettleOrder = 'before-call' | 'before-release' | 'after'

/**
 * What is charged for a stream that the upstream broke off. `free`: nothing; all is given back. `full`: all, once a byte
 * has left. `per-byte`: the share that has left, where the length is known; else nothing. A caller that hangs up has had
 * what it wanted, and pays for the whole call.
 */
export type BrokenStream = 'free' | 'full' | 'per-byte'

/** What a call costs: a fixed amount, or what the caller names in the query (top-ups), in base units. */
export type Price =
  | { kind: 'fixed'; amount: bigint }
  | { kind: 'query'; parameter: string; least: bigint; most: bigint }

/** Where a call goes: to an upstream server, to a function of ours, or to the app that embeds us. */
export type Target =
  | { kind: 'upstream'; url: URL }
  | { kind: 'handler'; serve: (call: HandlerCall) => Promise<Response> }
  | { kind: 'app' }

/** What a handler is told: the request as it came, and who pays what for it. */
export type HandlerCall = { request: Request; identity: Headers }

/** One sellable operation. */
export type Route = {
  /** `GET /v1/countries`: unique, stable, what the books call it. */
  id: string
  method: string
  path: string
  target: Target
  price: Price
  token: Token
  rails: readonly Rail[]
  settle: SettleOrder
  brokenStream: BrokenStream
  /** Who earns: the route, or the payer's own wallet (a top-up). */
  earns: 'route' | 'payer'
  gate: Gate | null
  description: string | null
  /** Answer 503 while the books and the chain disagree. As the configuration says for all routes when left out. */
  stopOnDrift?: boolean
  /** Milliseconds until the upstream must have begun to answer. */
  deadlineMs: number
}
