import type { Address, PublicClient } from 'viem'
import type { Agreement } from './Agreement.ts'
import type { Chain } from './Chain.ts'
import type { Reads } from './reads.ts'
import { plain, sameReceipt } from './same.ts'

/**
 * Reads on which a decision rests that cannot be taken back: that a payment never moved, that a transaction can never be
 * mined, that a channel is closed or its deposit gone. Every answer is one that two nodes give alike, and what is asked of
 * now is asked of the newest block that two of them have.
 */
export function createEvidence(options: createEvidence.Options): createEvidence.Result {
  const { agreement, reads, readsOf, head } = options

  const both = async <Answer>(
    doing: string,
    ask: (node: Reads) => Promise<Answer>,
    same: (answer: Answer) => string = plain,
  ) => agreement.of(doing, (node) => ask(readsOf(node)), same)
  const one = async <Answer>(doing: string, ask: (node: Reads) => Promise<Answer>) =>
    (await both(doing, ask))[0]

  const newest = async () => (await head()).number

  const agreed: Chain.Evidence = {
    isAgreed: true,
    head,
    block: (number) => one('eth_getBlockByNumber', (node) => node.block(number)),
    async channel(id, at) {
      const block = at ?? (await newest())
      return one('getChannel', (node) => node.channel(id, block))
    },
    async sent(account, at) {
      const block = at ?? (await newest())
      return one('eth_getTransactionCount', (node) => node.sent(account, block))
    },
    async balanceOf(token, owner, at) {
      const block = at ?? (await newest())
      return one('balanceOf', (node) => node.balanceOf(token, owner, block))
    },
    async authorizationUsed(token, from, nonce, at) {
      const block = at ?? (await newest())
      return one('authorizationState', (node) => node.authorizationUsed(token, from, nonce, block))
    },
    authorizationUse: (token, from, nonce, range) =>
      one('eth_getLogs', (node) => node.authorizationUse(token, from, nonce, range)),
    escrowEvents: (range) => one('eth_getLogs', (node) => node.escrowEvents(range)),
    transfers: (token, range) => one('eth_getLogs', (node) => node.transfers(token, range)),
    shortfall: (token, block) => one('balanceOf', (node) => node.shortfall(token, block)),
    async receipt(hash) {
      const [found, other] = await both(
        'eth_getTransactionReceipt',
        (node) => node.receipt(hash),
        sameReceipt,
      )
      if (found === null || other === null) return null
      return { ...found, depth: Math.min(found.depth, other.depth) }
    },
  }
  const single: Chain.Evidence = { ...reads, head, isAgreed: false }
  return {
    about: (token, amount) => (agreement.isNeeded(token, amount) ? agreed : single),
    always: agreement.isConfigured ? agreed : single,
  }
}

export declare namespace createEvidence {
  type Result = {
    /** For a decision about this much of a token. Base units. */
    about(token: Address, amount: bigint): Chain.Evidence
    /** For one whose amount is not known: of two nodes wherever amounts are configured. */
    always: Chain.Evidence
  }
  type Options = {
    agreement: Agreement
    /** As one node says, the healthiest. */
    reads: Reads
    /** As this node says. */
    readsOf(node: PublicClient): Reads
    /** The newest block that counts. */
    head: Chain['head']
  }
}
