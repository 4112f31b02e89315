import type { Address, Hex } from 'viem'
import { Generations } from '../../Generations.ts'
import type { Voucher } from '../../protocol/Voucher.ts'

/**
 * The last voucher of each channel whose signature was verified, so that an exact repeat costs a look-up. Only what an account
 * was found to have signed is added: a wrong signature leaves nothing behind, and a contract wallet, which may change its mind, is
 * asked each time. Every part counts: a channel that has another signer now finds nothing. At most `most` are remembered.
 *
 * By channel and not by signature: a channel's id is a name that is known already, and each voucher makes room for itself.
 */
export function verifiedVouchers(most: number): verifiedVouchers.Known {
  const known = new Generations<Verified>(Math.floor(most / 2))
  return {
    has({ channelId, cumulativeAmount }, signature, signer) {
      const found = known.get(channelId)
      return (
        found !== undefined &&
        found.cumulativeAmount === cumulativeAmount &&
        found.signature === signature &&
        found.signer === signer
      )
    },
    add({ channelId, cumulativeAmount }, signature, signer) {
      known.set(channelId, { cumulativeAmount, signature, signer })
    },
  }
}

export declare namespace verifiedVouchers {
  type Known = {
    has(voucher: Voucher, signature: Hex, signer: Address): boolean
    /** Call it only for a signature that `signer`, an account, was found to have made. What was not asked for lately makes room. */
    add(voucher: Voucher, signature: Hex, signer: Address): void
  }
}

type Verified = { cumulativeAmount: bigint; signature: Hex; signer: Address }
