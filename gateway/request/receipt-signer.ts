import { hash } from 'node:crypto'
import * as SignedReceipt from '../protocol/SignedReceipt.ts'

/** Signs receipts. */
export type ReceiptSigner = { sign(claims: SignedReceipt.Claims): Promise<string> }

/**
 * Signs the receipts of one turn of the event loop with one signature, because a signature costs more than all else about a
 * receipt. Calls that were captured in one commit go on in one turn, so the more there is to do, the less each one costs.
 */
export function createReceiptSigner(sign: (text: string) => string): ReceiptSigner {
  let waiting: Waiting[] = []

  function signAll(): void {
    const all = waiting
    waiting = []
    for (let from = 0; from < all.length; from += maxTogether)
      signTogether(all.slice(from, from + maxTogether))
  }

  function signTogether(some: readonly Waiting[]): void {
    try {
      const { root, signed } = SignedReceipt.together(
        some.map(({ claims }) => claims),
        sha256,
      )
      for (const [index, receipt] of signed(sign(root)).entries()) some[index]?.resolve(receipt)
    } catch (error) {
      for (const { reject } of some) reject(error)
    }
  }

  return {
    sign: (claims) =>
      new Promise((resolve, reject) => {
        // Comes when every call that can go on in this turn has gone on.
        if (waiting.length === 0) process.nextTick(signAll)
        waiting.push({ claims, resolve, reject })
      }),
  }
}

/** A receipt carries 44 characters for each doubling: at most 352. */
const maxTogether = 256

const sha256 = (text: string) => hash('sha256', text, 'base64url')

type Waiting = {
  claims: SignedReceipt.Claims
  resolve(receipt: string): void
  reject(error: unknown): void
}
