/**
 * The one operation on secp256k1 that checking needs. It says nothing of what form is allowed: `Signatures` does, once for
 * every curve.
 */
export type Curve = {
  /** `native`: libsecp256k1. `pure`: JavaScript. */
  readonly name: 'native' | 'pure'
  /** Why it is this one, for the operator. */
  readonly reason: string
  /**
   * Public key that signed the digest, as 65 bytes that are overwritten by the next call; null when there is none.
   * `compact` is `r ‖ s`.
   */
  recover(digest: Uint8Array, compact: Uint8Array, parity: 0 | 1): Uint8Array | null
}
