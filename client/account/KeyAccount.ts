import { type Hex, hashMessage, hashTypedData, toBytes } from 'viem'
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import type { Signer } from '../Context.ts'

/** A viem account of a private key at hand that says how it signs digests: the same signatures, sooner. */

/** Signs 32 bytes as `r ‖ s ‖ v`, `v` 27 or 28. */
export type SignDigest = (digest: Uint8Array) => Hex | Promise<Hex>

const fast = Symbol('signs digests')

/** Makes the account. Everything that viem's `privateKeyToAccount` does, it does too. */
export function keyAccount(privateKey: Hex, signDigest: SignDigest): PrivateKeyAccount {
  const sign = async (hash: Hex) => signDigest(toBytes(hash))
  const signTypedData: PrivateKeyAccount['signTypedData'] = (typed) => sign(hashTypedData(typed))
  const made: PrivateKeyAccount = {
    ...privateKeyToAccount(privateKey),
    sign: ({ hash }) => sign(hash),
    signMessage: ({ message }) => sign(hashMessage(message)),
    signTypedData,
  }
  const marker: Marker = { signTypedData, signDigest }
  return Object.defineProperty(made, fast, { value: marker, enumerable: false })
}

/**
 * How an account signs digests; undefined when it must be shown what it signs. Only an account that {@link keyAccount} made
 * and nobody wrapped: who puts a `signTypedData` of their own around one, to look at what is signed, is asked each time.
 */
export function digestSigner(account: Signer & { [fast]?: Marker }): SignDigest | undefined {
  const marker = account[fast]
  return marker?.signTypedData === account.signTypedData ? marker?.signDigest : undefined
}

type Marker = { signTypedData: PrivateKeyAccount['signTypedData']; signDigest: SignDigest }
