import type { Authorization, TokenDomain } from './Authorization.ts'
import * as Eip712 from './Eip712.ts'

/**
 * EIP-712 digests of EIP-3009 authorizations, with the domain of each token hashed once. A few tokens are remembered; one
 * whose name or version is said differently is hashed again.
 */
export function authorizationDigest(): authorizationDigest.Digest {
  const known = new Map<string, { domain: TokenDomain; digest: (words: Uint8Array) => Uint8Array }>()
  const words = {
    transfer: Eip712.struct(types.transfer, 6),
    receive: Eip712.struct(types.receive, 6),
  }

  function digesterOf(domain: TokenDomain): (words: Uint8Array) => Uint8Array {
    const found = known.get(domain.token)
    if (found !== undefined && same(found.domain, domain)) return found.digest
    const { name, version, chainId, token } = domain
    const separator = Eip712.domainSeparator({ name, version, chainId, verifyingContract: token })
    const digest = Eip712.digester(separator)
    if (known.size >= mostTokens) known.clear()
    known.set(token, { domain: { name, version, chainId, token }, digest })
    return digest
  }

  return (kind, domain, message) => {
    const fields = words[kind]
    Eip712.putAddress(fields, 32, message.from)
    Eip712.putAddress(fields, 64, message.to)
    Eip712.putUint(fields, 96, message.value, 256)
    Eip712.putUint(fields, 128, message.validAfter, 256)
    Eip712.putUint(fields, 160, message.validBefore, 256)
    Eip712.putBytes32(fields, 192, message.nonce)
    return digesterOf(domain)(fields)
  }
}

const same = (a: TokenDomain, b: TokenDomain) =>
  a.name === b.name && a.version === b.version && a.chainId === b.chainId

const mostTokens = 64

const fieldList =
  '(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)'
const types = {
  transfer: Eip712.typeHash(`TransferWithAuthorization${fieldList}`),
  receive: Eip712.typeHash(`ReceiveWithAuthorization${fieldList}`),
}

export declare namespace authorizationDigest {
  type Digest = (kind: 'transfer' | 'receive', domain: TokenDomain, message: Authorization) => Uint8Array
}
