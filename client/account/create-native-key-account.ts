import { type Hex, toBytes } from 'viem'
import type { PrivateKeyAccount } from 'viem/accounts'
import { createKeyAccount as createPureKeyAccount } from './create-key-account.ts'
import { keyAccount } from './KeyAccount.ts'
import { native } from './native.ts'

/** A viem account of a private key that signs with libsecp256k1 where it is built for this machine, else as viem does. */
export function createKeyAccount(privateKey: Hex): PrivateKeyAccount {
  const sign = native(toBytes(privateKey))
  return sign === undefined ? createPureKeyAccount(privateKey) : keyAccount(privateKey, sign)
}
