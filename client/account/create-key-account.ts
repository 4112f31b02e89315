import { type Hex, toHex } from 'viem'
import { type PrivateKeyAccount, sign } from 'viem/accounts'
import { keyAccount } from './KeyAccount.ts'

/**
 * A viem account of a private key, for a client that holds it: vouchers and transfers are hashed on prepared buffers instead
 * of through typed data. `client/node.ts` has one that signs with libsecp256k1 besides.
 */
export function createKeyAccount(privateKey: Hex): PrivateKeyAccount {
  return keyAccount(privateKey, (digest) => sign({ hash: toHex(digest), privateKey, to: 'hex' }))
}
