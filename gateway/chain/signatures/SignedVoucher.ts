import type { Address, Hex } from 'viem'
import type { EscrowDomain, Voucher } from '../../protocol/Voucher.ts'
import { voucherDigest } from '../../protocol/voucher-digest.ts'
import type { Curve } from './Curve.ts'
import { keccak256 } from './keccak.ts'
import { createSignatures } from './Signatures.ts'

/** A voucher, and the account that is said to have signed it. */
export type SignedVoucher = { voucher: Voucher; signature: Hex; signer: Address }

/**
 * Makes the check of one escrow's vouchers: true when the account signed, in canonical form.
 * The check throws {@link MalformedWordError} for what no voucher can hold.
 */
export function checker(domain: EscrowDomain, curve: Curve): (signed: SignedVoucher) => boolean {
  const { signedBy } = createSignatures(curve, keccak256)
  const digest = voucherDigest(domain, keccak256)
  return ({ voucher, signature, signer }) => signedBy(signer, digest(voucher), signature)
}
