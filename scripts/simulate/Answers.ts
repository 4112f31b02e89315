import { type Abi, type AbiFunction, type Hex, toFunctionSelector } from 'viem'
import { escrowAbi, tokenAbi } from '../../gateway/protocol/abi.ts'

/**
 * What the chain has said already and would say again. Most questions of an idle gateway are of this kind: they then cost
 * a look into a map instead of a way into the EVM and back.
 *
 * | Kept | Until | Questions |
 * |---|---|---|
 * | `lasting` | blocks are taken back | about one block, the state at one block, a mined transaction, code |
 * | `pending` | a transaction arrives or is mined | what waits to be mined |
 * | not | | what depends on the time of a block: calls that are no views, gas, prices |
 */
export class Answers {
  readonly #kept: Record<Scope, Map<string, unknown>> = {
    lasting: new Map(),
    pending: new Map(),
  }

  /** A known answer, or undefined. */
  find(question: string): unknown {
    const { lasting, pending } = this.#kept
    return lasting.get(question) ?? pending.get(question)
  }

  /** Keeps an answer for as long as it holds. */
  keep(question: string, method: string, params: readonly unknown[], answer: unknown): void {
    const scope = scopeOf(method, params, answer)
    if (scope !== null) this.#kept[scope].set(question, answer)
  }

  /** A transaction has arrived, or was mined. */
  changed(): void {
    this.#kept.pending.clear()
  }

  /** Blocks were taken back. */
  forget(): void {
    for (const kept of Object.values(this.#kept)) kept.clear()
  }
}

type Scope = 'lasting' | 'pending'

function scopeOf(method: string, params: readonly unknown[], answer: unknown): Scope | null {
  const at = isNumber(params[1]) ? 'lasting' : params[1] === 'pending' ? 'pending' : null
  switch (method) {
    case 'eth_chainId':
    case 'eth_getCode':
    case 'eth_maxPriorityFeePerGas':
      return 'lasting'
    case 'eth_getBlockByNumber':
      return answer !== null && isNumber(params[0]) ? 'lasting' : null
    case 'eth_getTransactionByHash':
      return isMined(answer) ? 'lasting' : 'pending'
    case 'eth_getBalance':
    case 'eth_getTransactionCount':
      return at
    case 'eth_call':
      return isView(params[0]) ? at : null
    default:
      return null
  }
}

/** Is this about nothing but what is on the chain at a block, which stands second? */
export function isOfState(method: string, params: readonly unknown[]): boolean {
  if (method === 'eth_call') return isView(params[0])
  return method === 'eth_getBalance' || method === 'eth_getTransactionCount'
}

/** Views of our contracts: none of them reads the time. */
const views = new Set<string>(
  [...(escrowAbi as Abi), ...(tokenAbi as Abi)]
    .filter((item): item is AbiFunction => item.type === 'function' && item.stateMutability === 'view')
    .map((item) => toFunctionSelector(item)),
)

function isView(call: unknown): boolean {
  const { data, to } = call as { data?: unknown; to?: unknown }
  return to !== undefined && typeof data === 'string' && views.has(data.slice(0, 10))
}

/** Is this block named by its number? */
export const isNumber = (block: unknown): block is Hex => typeof block === 'string' && block.startsWith('0x')

const isMined = (answer: unknown) =>
  typeof answer === 'object' && answer !== null && 'blockNumber' in answer && answer.blockNumber !== null
