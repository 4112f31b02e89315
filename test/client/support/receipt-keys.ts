import type { PublicKey } from '../../../gateway/protocol/SignedReceipt.ts'

/** An Ed25519 key as a gateway has one. */
export async function receiptKeys() {
  const pair = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])
  const { x } = await crypto.subtle.exportKey('jwk', pair.publicKey)
  const publicKey: PublicKey = { kty: 'OKP', crv: 'Ed25519', x: String(x) }
  return {
    publicKey,
    sign: async (input: string) => {
      const signature = await crypto.subtle.sign('Ed25519', pair.privateKey, new TextEncoder().encode(input))
      return Buffer.from(signature).toString('base64url')
    },
  }
}
