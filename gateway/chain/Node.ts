import { type EIP1193RequestFn, hexToNumber, RpcRequestError } from 'viem'
import { decodeRevert } from './decode-revert.ts'

/** One of the nodes behind a chain, and how it has been doing. */
export class Node {
  /** From 1, in the order of the configuration: how the operator is told of it. Its address may hold a secret. */
  readonly number: number
  /** It has fewer blocks than the best one. */
  behind = false
  /** It did not say at start of which chain it is: it is asked before anything else it says counts. */
  doubted = false
  readonly #ask: EIP1193RequestFn
  readonly #chainId: number
  #failures = 0
  #restUntil = 0

  constructor(options: { number: number; chainId: number; ask: EIP1193RequestFn }) {
    this.number = options.number
    this.#ask = options.ask
    this.#chainId = options.chainId
  }

  readonly request = (async (question: { method: string; params?: unknown }) => {
    if (this.doubted) {
      const found = hexToNumber(await this.#ask({ method: 'eth_chainId' }))
      if (found !== this.#chainId) throw new Error(`Node ${this.number} is of chain ${found}.`)
      this.doubted = false
    }
    return this.#ask(question as Parameters<EIP1193RequestFn>[0])
  }) as EIP1193RequestFn

  get failing(): boolean {
    return this.#failures > 0
  }

  isResting(now: number): boolean {
    return this.#restUntil > now
  }

  /** It answered. True when it had not before. */
  answered(): boolean {
    const before = this.failing
    this.#failures = 0
    this.#restUntil = 0
    return before
  }

  /** It did not answer: it is asked last for a second, then for twice as long each time, at most a minute. */
  failed(now: number): void {
    this.#failures += 1
    this.#restUntil = now + Math.min(1_000 * 2 ** (this.#failures - 1), 60_000)
  }
}

/** What to ask first: nodes that answer and have the newest blocks, otherwise as configured. Pure. */
export function byHealth(nodes: readonly Node[], now: number): Node[] {
  const rank = (node: Node) => (node.isResting(now) ? 4 : 0) + (node.doubted ? 2 : 0) + (node.behind ? 1 : 0)
  return [...nodes].sort((a, b) => rank(a) - rank(b) || a.number - b.number)
}

/**
 * What a failed question says of its node.
 *
 * | Verdict | Means |
 * |---|---|
 * | `answer` | it is the chain's answer: a revert, or too few funds. Every other node would say so too |
 * | `refusal` | the node is there and would not say: another may |
 * | `silence` | nothing was heard of it, or nothing but that it is asked too often |
 */
export function verdictOf(error: unknown): 'answer' | 'refusal' | 'silence' {
  if (decodeRevert(error) !== null) return 'answer'
  const said = rpcError(error)
  if (said === null) return 'silence'
  if (/insufficient funds|enough funds/i.test(said.details)) return 'answer'
  return said.code === -32005 || /rate limit|too many requests/i.test(said.details) ? 'silence' : 'refusal'
}

function rpcError(error: unknown): RpcRequestError | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if (cause instanceof RpcRequestError) return cause
  return null
}
