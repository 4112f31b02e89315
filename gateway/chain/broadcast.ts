import { BaseError, type Hex, RpcRequestError } from 'viem'
import type { Rpc } from './rpc.ts'

/**
 * What came of handing a signed transaction to the nodes.
 *
 * | Result | Means |
 * |---|---|
 * | `accepted` | a node has it |
 * | `nonce-taken` | a node says that its nonce belongs to another transaction, or to itself, mined; none took it |
 * | `refused` | every node said that it would not take it, and none of them can have it |
 * | `unclear` | at least one node may have it: it did not answer, or answered something else |
 */
export type Broadcast =
  | { result: 'accepted' }
  | { result: 'nonce-taken' | 'refused' | 'unclear'; reason: string }

/**
 * Broadcasts to every node at once: one that takes a transaction and forgets it, or tells nobody, does no harm. Resolves
 * as soon as one accepts. The same bytes may be broadcast any number of times: it is one transaction. Never throws.
 */
export function broadcast(rpc: Pick<Rpc, 'nodes'>, raw: Hex): Promise<Broadcast> {
  const { promise, resolve } = Promise.withResolvers<Broadcast>()
  const answers: Broadcast[] = []
  const hear = (answer: Broadcast) => {
    answers.push(answer)
    if (answer.result === 'accepted') resolve(answer)
    else if (answers.length === rpc.nodes.length) resolve(together(answers))
  }
  for (const node of rpc.nodes)
    void node
      .request({ method: 'eth_sendRawTransaction', params: [raw] })
      .then((): Broadcast => ({ result: 'accepted' }), judge)
      .then(hear)
  if (rpc.nodes.length === 0) resolve(unclear('no-node'))
  return promise
}

/** What several answers mean that are no acceptance: in doubt one of the nodes has it. */
function together(answers: readonly Broadcast[]): Broadcast {
  const find = (wanted: Broadcast['result']) => answers.find(({ result }) => result === wanted)
  return find('unclear') ?? find('nonce-taken') ?? answers[0] ?? unclear('no-node')
}

const unclear = (reason: string): Broadcast => ({ result: 'unclear', reason })

/** Only words known to mean "not taken" count as a refusal; whatever else went wrong, the node may have it. */
const words: [RegExp, Broadcast][] = [
  [/already known|already imported|known transaction|already exists/i, { result: 'accepted' }],
  [/nonce (is )?too low|old ?nonce|nonce.*already (been )?used/i, taken('nonce-too-low')],
  [/replacement transaction underpriced|replace.*(underpriced|existing)/i, taken('nonce-in-use')],
  [/insufficient funds|enough funds|exceeds.*account balance/i, refused('insufficient-gas-funds')],
  [/fee cap|max ?fee ?per ?gas|maxFeePerGas|gas price.*(below|low)|underpriced/i, refused('fee-too-low')],
  [/intrinsic gas|exceeds block gas limit|gas limit (is )?reached|gas cap/i, refused('gas-limit')],
  [/invalid (sender|chain ?id)|transaction type not|only replay-protected/i, refused('invalid-transaction')],
]

function judge(error: unknown): Broadcast {
  const answer = error instanceof BaseError ? error.walk((cause) => cause instanceof RpcRequestError) : null
  if (!(answer instanceof RpcRequestError)) return unclear('node-did-not-answer')
  const text = `${answer.details} ${answer.shortMessage}`
  return words.find(([word]) => word.test(text))?.[1] ?? unclear('node-answered-otherwise')
}

function taken(reason: string): Broadcast {
  return { result: 'nonce-taken', reason }
}

function refused(reason: string): Broadcast {
  return { result: 'refused', reason }
}
