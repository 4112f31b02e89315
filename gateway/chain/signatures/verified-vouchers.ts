import type { Address, Hex } from 'viem'
import type { Voucher } from '../../protocol/Voucher.ts'

/**
 * Vouchers whose signature was verified, so that an exact repeat costs a look-up. Only what an account was found to have
 * signed is added: a wrong signature leaves nothing behind, and a contract wallet, which may change its mind, is asked
 * each time. Every part counts: a channel that has another signer now finds nothing.
 */
export function verifiedVouchers(most: number): verifiedVouchers.Known {
  const known = new Map<Hex, Voucher & { signer: Address }>()
  return {
    has({ channelId, cumulativeAmount }, signature, signer) {
      const found = known.get(signature)
      if (
        found === undefined ||
        found.cumulativeAmount !== cumulativeAmount ||
        found.channelId !== channelId ||
        found.signer !== signer
      )
        return false
      known.delete(signature)
      known.set(signature, found)
      return true
    },
    add({ channelId, cumulativeAmount }, signature, signer) {
      known.delete(signature)
      known.set(signature, { channelId, cumulativeAmount, signer })
      if (known.size <= most) return
      for (const oldest of known.keys()) {
        known.delete(oldest)
        return
      }
    },
  }
}

export declare namespace verifiedVouchers {
  type Known = {
    has(voucher: Voucher, signature: Hex, signer: Address): boolean
    /** Call it only for a signature that `signer`, an account, was found to have made. The least recently used makes room. */
    add(voucher: Voucher, signature: Hex, signer: Address): void
  }
}
