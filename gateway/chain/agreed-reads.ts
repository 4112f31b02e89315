import type { Address, Log, PublicClient } from 'viem'
import type { Agreement } from './Agreement.ts'
import type { Chain } from './Chain.ts'
import { asking, ChainUnavailableError } from './ChainUnavailableError.ts'
import type { Reads } from './reads.ts'
import * as TokenCalls from './TokenCalls.ts'

/**
 * Reads on which a large credit rests, asked of two nodes. What is small is as one node says.
 *
 * | Read | Asked of two when |
 * |---|---|
 * | `receipt` | its logs move a large amount to the payee or into the escrow; its depth is the lesser of both |
 * | `channel`, at a block | its deposit is large |
 * | `confirmDeposit` | the deposit is large, whatever it was read from |
 * | `head` | always, where amounts are configured: the second best answer, so that none can claim a depth alone |
 */
export function agreedReads(options: agreedReads.Options): Pick<Reads, 'head' | 'receipt' | 'channel'> & {
  confirmDeposit: Chain['confirmDeposit']
} {
  const { agreement, reads, readsOf, tokens, escrow, payee } = options

  const isLarge = (logs: readonly Log[]) =>
    tokens.some((token) =>
      TokenCalls.transfers(token, logs).some(
        ({ to, value }) => (to === payee || to === escrow) && agreement.isNeeded(token, value),
      ),
    )

  return {
    async head() {
      if (tokens.length === 0) return reads.head()
      return secondBest(options.nodes.map((node) => readsOf(node).head()))
    },
    async receipt(hash) {
      const found = await reads.receipt(hash)
      if (found === null || !isLarge(found.logs)) return found
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
    async confirmDeposit(id, token, deposit) {
      if (!agreement.isNeeded(token, deposit)) return
      const enough = async (node: PublicClient) => {
        const found = await readsOf(node).channel(id)
        return found !== null && found.token === token.toLowerCase() && found.deposit >= deposit
      }
      const [shown] = await agreement.of('getChannel', enough, plain)
      if (!shown)
        throw new ChainUnavailableError('getChannel', new Error('Two nodes do not show this deposit.'))
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

/** A receipt without its depth, which changes with every block. */
function sameReceipt(mined: Chain.Mined | null): string {
  if (mined === null) return 'null'
  const logs = mined.logs.map(({ address, topics, data, logIndex, blockHash }) => ({
    address: address.toLowerCase(),
    topics,
    data,
    logIndex,
    blockHash,
  }))
  return plain({ hash: mined.hash, block: mined.block, status: mined.status, logs })
}

const plain = (value: unknown) =>
  JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? `${inner}n` : inner))

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
