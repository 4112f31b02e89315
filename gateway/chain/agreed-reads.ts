import type { Address, Log, PublicClient } from 'viem'
import type { Agreement } from './Agreement.ts'
import type { Chain } from './Chain.ts'
import { asking, ChainUnavailableError } from './ChainUnavailableError.ts'
import type { Reads } from './reads.ts'
import { plain, sameReceipt } from './same.ts'
import * as TokenCalls from './TokenCalls.ts'

/**
 * Reads on which a large credit rests, asked of two nodes. What is small is as one node says. Decisions that end something
 * rest on {@link Chain.evidence}.
 *
 * | Read | Asked of two when |
 * |---|---|
 * | `receipt` | its logs move a large amount to or from the payee, or into the escrow; its depth is the lesser of both |
 * | `receipt` of a reverted transaction | always, where amounts are configured: it does not say how much did not move |
 * | `channel`, at a block | its deposit is large |
 * | `confirmChannel` | the amount is large, whatever it was read from |
 * | `head` | always, where amounts are configured: the second best answer, so that none can claim a depth alone |
 */
export function agreedReads(options: agreedReads.Options): Pick<Reads, 'head' | 'receipt' | 'channel'> & {
  confirmChannel: Chain['confirmChannel']
} {
  const { agreement, reads, readsOf, tokens, escrow, payee } = options

  const isLarge = (logs: readonly Log[]) =>
    tokens.some((token) =>
      TokenCalls.transfers(token, logs).some(
        ({ from, to, value }) =>
          (to === payee || to === escrow || from === payee) && agreement.isNeeded(token, value),
      ),
    )

  return {
    async head() {
      if (tokens.length === 0) return reads.head()
      return secondBest(options.nodes.map((node) => readsOf(node).head()))
    },
    async receipt(hash) {
      const found = await reads.receipt(hash)
      const reverted = found?.status === 'reverted' && agreement.isConfigured
      if (found === null || (!reverted && !isLarge(found.logs))) return found
      const [one, other] = await agreement.of(
        'eth_getTransactionReceipt',
        (node) => readsOf(node).receipt(hash),
        sameReceipt,
      )
      if (one === null || other === null) return null
      return { ...one, depth: Math.min(one.depth, other.depth) }
    },
    async channel(id, at) {
      const found = await reads.channel(id, at)
      if (found === null || at === undefined || !agreement.isNeeded(found.token, found.deposit)) return found
      const [agreed] = await agreement.of('getChannel', (node) => readsOf(node).channel(id, at), plain)
      return agreed
    },
    async confirmChannel(id, token, amount, shows) {
      if (!agreement.isNeeded(token, amount)) return
      const confirms = async (node: PublicClient) => {
        const found = await readsOf(node).channel(id)
        return found !== null && found.token === token.toLowerCase() && shows(found)
      }
      const [shown] = await agreement.of('getChannel', confirms, plain)
      if (!shown)
        throw new ChainUnavailableError('getChannel', new Error('Two nodes do not show this of the channel.'))
    },
  }
}

/** The lesser of the two best answers; one alone counts when nobody else answers. */
function secondBest(asked: readonly Promise<Chain.Block>[]): Promise<Chain.Block> {
  return asking('eth_getBlockByNumber', async () => {
    const { promise, resolve, reject } = Promise.withResolvers<Chain.Block>()
    const heads: Chain.Block[] = []
    let left = asked.length
    const lower = (a: Chain.Block, b: Chain.Block) => (a.number < b.number ? a : b)
    for (const one of asked)
      void one
        .then((head) => {
          heads.push(head)
          const [first, second] = heads
          if (first !== undefined && second !== undefined) resolve(lower(first, second))
        })
        .catch((error: unknown) => error)
        .then((error) => {
          left -= 1
          const [only] = heads
          if (left === 0) only === undefined ? reject(error) : resolve(only)
        })
    return promise
  })
}

export declare namespace agreedReads {
  type Options = {
    agreement: Agreement
    /** As one node says, the healthiest. */
    reads: Reads
    /** As this node says. */
    readsOf(node: PublicClient): Reads
    nodes: readonly PublicClient[]
    /** Tokens of which a large amount needs agreement; none when nothing does. */
    tokens: readonly Address[]
    escrow: Address
    payee: Address
  }
}
