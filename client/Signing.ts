import type { Hex, TypedDataDefinition } from 'viem'
import * as Authorization from '../gateway/protocol/Authorization.ts'
import { authorizationDigest } from '../gateway/protocol/authorization-digest.ts'
import * as Voucher from '../gateway/protocol/Voucher.ts'
import { voucherDigest } from '../gateway/protocol/voucher-digest.ts'
import { digestSigner, type SignDigest } from './account/KeyAccount.ts'
import type { Signer } from './Context.ts'

/** Signs what pays. What it gives away must be counted, and durable in the store, before. */
export type Signing = {
  voucher(domain: Voucher.EscrowDomain, voucher: Voucher.Voucher): Promise<Hex>
  /** EIP-3009. */
  authorization(
    kind: 'transfer' | 'receive',
    domain: Authorization.TokenDomain,
    message: Authorization.Authorization,
  ): Promise<Hex>
}

/** A key at hand signs digests; any other account is shown the typed data, so that its owner sees what is signed. */
export function createSigning(account: Signer): Signing {
  const sign = digestSigner(account)
  return sign === undefined ? byTypedData(account) : byDigest(sign)
}

function byTypedData(account: Signer): Signing {
  return {
    voucher: (domain, voucher) => account.signTypedData(Voucher.typedData(domain, voucher)),
    authorization: (kind, domain, message) =>
      account.signTypedData(Authorization.typedData(kind, domain, message) as TypedDataDefinition),
  }
}

const mostEscrows = 64

function byDigest(sign: SignDigest): Signing {
  const escrows = new Map<string, (voucher: Voucher.Voucher) => Uint8Array>()
  const authorizationHash = authorizationDigest()

  function voucherHash(domain: Voucher.EscrowDomain): (voucher: Voucher.Voucher) => Uint8Array {
    const key = `${domain.chainId}:${domain.escrow}`
    const known = escrows.get(key)
    if (known !== undefined) return known
    if (escrows.size >= mostEscrows) escrows.clear()
    const digest = voucherDigest(domain)
    escrows.set(key, digest)
    return digest
  }

  return {
    voucher: async (domain, voucher) => sign(voucherHash(domain)(voucher)),
    authorization: async (kind, domain, message) => sign(authorizationHash(kind, domain, message)),
  }
}
