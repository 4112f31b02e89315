import type { Address, Hex } from 'viem'
import type { Chain } from '../chain/Chain.ts'
import type { Clock } from '../clock.ts'
import type { Channel } from '../ledger/Channel.ts'
import type { Ledger } from '../ledger/Ledger.ts'
import { capsOf, type ExposureLimits } from '../policy/exposure.ts'

/** How much may be unsettled on a channel, and who its signer is. Made for the request path: it asks the chain rarely. */
export type Exposure = {
  /** The caps of a channel: lower when a contract confirms its vouchers. Null: none are configured for its token. */
  capsOf(channel: Pick<Channel, 'signer' | 'token'>): Promise<Ledger.Caps | null>
  /** Brings this channel, or all of them, to the chain now. Returns at once. */
  settleFirst(channel: Hex | 'all'): void
  /** Looks at a signer again: an account may have become a contract (EIP-7702). */
  recheck(signer: Address): Promise<void>
}

type Known = { contract: boolean; at: number }

export function createExposure(options: createExposure.Options): Exposure {
  const { chain, clock, limits, settleFirst, ageMs = 60_000, most = 10_000 } = options
  const known = new Map<Address, Known>()

  /** A node that does not answer has said nothing: until it does, the signer counts as a contract, which is safe. */
  async function look(signer: Address): Promise<boolean> {
    const contract = await chain.isContract(signer)
    known.delete(signer)
    known.set(signer, { contract, at: clock.now() })
    const [oldest] = known.keys()
    if (known.size > most && oldest !== undefined) known.delete(oldest)
    return contract
  }

  /** What was known answers at once; what is old is looked at again beside the call, for the next one. */
  async function isContract(signer: Address): Promise<boolean> {
    const found = known.get(signer)
    if (found === undefined) return look(signer).catch(() => true)
    if (clock.now() - found.at >= ageMs) {
      found.at = clock.now()
      look(signer).catch(() => {
        found.contract = true
      })
    }
    return found.contract
  }

  return {
    async capsOf({ signer, token }) {
      const limit = limits.get(token)
      if (limit === undefined) return null
      return capsOf(limit, (await isContract(signer)) ? 'contract' : 'account')
    },
    settleFirst,
    async recheck(signer) {
      await look(signer)
    },
  }
}

export declare namespace createExposure {
  type Options = {
    chain: Pick<Chain, 'isContract'>
    clock: Clock
    /** By token. */
    limits: ReadonlyMap<Address, ExposureLimits>
    settleFirst: (channel: Hex | 'all') => void
    /** How long a signer is taken for what it was. Default 60,000. */
    ageMs?: number
    /** Most signers remembered. Default 10,000. */
    most?: number
  }
}
