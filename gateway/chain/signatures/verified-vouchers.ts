import type { Address, Hex } from 'viem'
import type { Voucher } from '../../protocol/Voucher.ts'

/**
 * Vouchers whose signature was verified, so that an exact repeat costs a look-up. Only what an account was found to have
 * signed is added: a wrong signature leaves nothing behind, and a contract wallet, which may change its mind, is asked
 * each time. Every part counts: a channel that has another signer now finds nothing. Bounded: two generations, of which the
 * older one is dropped when the younger has half of `most`.
 */
export function verifiedVouchers(most: number): verifiedVouchers.Known {
  let young = new Map<Hex, Signed>()
  let old = new Map<Hex, Signed>()

  function keep(signature: Hex, signed: Signed): void {
    if (young.size >= most / 2 && !young.has(signature)) {
      old = young
      young = new Map()
    }
    young.set(signature, signed)
  }

  return {
    has({ channelId, cumulativeAmount }, signature, signer) {
      const recent = young.get(signature)
      const found = recent ?? old.get(signature)
      if (
        found === undefined ||
        found.cumulativeAmount !== cumulativeAmount ||
        found.channelId !== channelId ||
        found.signer !== signer
      )
        return false
      if (recent === undefined) keep(signature, found)
      return true
    },
    add({ channelId, cumulativeAmount }, signature, signer) {
      keep(signature, { channelId, cumulativeAmount, signer })
    },
  }
}

type Signed = Voucher & { signer: Address }

export declare namespace verifiedVouchers {
  type Known = {
    has(voucher: Voucher, signature: Hex, signer: Address): boolean
    /** Call it only for a signature that `signer`, an account, was found to have made. What was not asked for lately makes room. */
    add(voucher: Voucher, signature: Hex, signer: Address): void
  }
}
