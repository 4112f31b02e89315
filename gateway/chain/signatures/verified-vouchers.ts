import type { Address, Hex } from 'viem'
import { Generations } from '../../Generations.ts'
import type { Voucher } from '../../protocol/Voucher.ts'

/**
 * Vouchers whose signature was verified, so that an exact repeat costs a look-up. Only what an account was found to have
 * signed is added: a wrong signature leaves nothing behind, and a contract wallet, which may change its mind, is asked
 * each time. Every part counts: a channel that has another signer now finds nothing. At most `most` are remembered.
 */
export function verifiedVouchers(most: number): verifiedVouchers.Known {
  const known = new Generations<Voucher & { signer: Address }>(Math.floor(most / 2))
  return {
    has({ channelId, cumulativeAmount }, signature, signer) {
      const found = known.get(signature)
      return (
        found !== undefined &&
        found.cumulativeAmount === cumulativeAmount &&
        found.channelId === channelId &&
        found.signer === signer
      )
    },
    add({ channelId, cumulativeAmount }, signature, signer) {
      known.set(signature, { channelId, cumulativeAmount, signer })
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
