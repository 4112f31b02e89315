import type { Address, PublicClient } from 'viem'
import { ChainUnavailableError } from './ChainUnavailableError.ts'
import type { Report } from './Report.ts'

/**
 * Two nodes must show the same before a large credit rests on it. One that lies is outvoted where there are three, and
 * where there are two nobody can tell which: then nothing is known, and it is asked again.
 */
export type Agreement = {
  /** True when anything at all needs it. */
  readonly isConfigured: boolean
  /** True when this much of a token is credited only by two nodes. Base units. */
  isNeeded(token: Address, amount: bigint): boolean
  /**
   * Asks every node and resolves as soon as two say the same: with what both said, in the order of their answers.
   * `same` is what is compared.
   * @throws {ChainUnavailableError} no two of them do.
   */
  of<Answer>(
    doing: string,
    ask: (node: PublicClient) => Promise<Answer>,
    same: (answer: Answer) => string,
  ): Promise<[Answer, Answer]>
}

/** Without amounts nothing needs agreement. */
export function createAgreement(options: createAgreement.Options): Agreement {
  const { nodes, above, report } = options
  const amounts = new Map([...above].map(([token, amount]) => [token.toLowerCase(), amount]))

  function of<Answer>(
    doing: string,
    ask: (node: PublicClient) => Promise<Answer>,
    same: (answer: Answer) => string,
  ): Promise<[Answer, Answer]> {
    return new Promise((resolve, reject) => {
      const heard = new Map<string, { node: number; answer: Answer }>()
      let left = nodes.length
      let agreed = false
      const hear = (node: number, answer: Answer) => {
        const key = same(answer)
        const twin = heard.get(key)
        if (twin !== undefined && !agreed) {
          agreed = true
          resolve([twin.answer, answer])
        }
        heard.set(key, { node, answer })
      }
      const end = () => {
        left -= 1
        if (left > 0) return
        const said = [...heard.values()].map(({ node }) => node)
        if (said.length > 1) report('error', 'rpc-nodes-disagree', { doing, agreed, nodes: said })
        if (!agreed) reject(new ChainUnavailableError(doing, new Error('No two nodes say the same.')))
      }
      for (const [index, node] of nodes.entries())
        void ask(node)
          .then((answer) => hear(index + 1, answer))
          .catch(() => {})
          .then(end)
    })
  }

  return {
    isConfigured: amounts.size > 0,
    isNeeded(token, amount) {
      const most = amounts.get(token.toLowerCase())
      return most !== undefined && amount > most
    },
    of,
  }
}

export declare namespace createAgreement {
  type Options = {
    nodes: readonly PublicClient[]
    /** Base units, by token. */
    above: ReadonlyMap<Address, bigint>
    report: Report
  }
}
