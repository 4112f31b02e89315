import { MalformedError } from '../gateway/protocol/Encoding.ts'
import * as KeyRotation from '../gateway/protocol/KeyRotation.ts'
import type { PublicKey } from '../gateway/protocol/SignedReceipt.ts'
import type { Context } from './Context.ts'
import { discover } from './Discovery.ts'

/**
 * The key that signs this origin's receipts now, when it is another than the pinned one: only where the pinned key itself
 * has named it. It is pinned from then on. Undefined when nothing vouches for it.
 */
export async function rotatedKey(
  context: Context,
  origin: string,
  pinned: PublicKey,
): Promise<PublicKey | undefined> {
  // What was discovered may be from before the rotation.
  context.discoveries.delete(origin)
  const stated = await discover(context, origin)
  for (const rotation of stated?.receiptKeyRotations ?? []) {
    const next = await KeyRotation.verify(rotation, pinned).catch((error: unknown) => {
      if (error instanceof MalformedError) return undefined
      throw error
    })
    if (next === undefined || next.x !== stated?.receiptKey?.x) continue
    await context.store.update((state) => {
      const pin = state.pins[origin] ?? {}
      if (pin.receiptKey === pinned.x) pin.receiptKey = next.x
      state.pins[origin] = pin
    })
    return next
  }
  return undefined
}
