import { hash } from 'node:crypto'

/**
 * Digests of what a past payment may be asked for by. Before each stand four bytes by which those lie together that are moved
 * together: a name that stood anywhere would touch a page of its own.
 */

/** By the second in which it was made (`paymentId`). */
export function nameOfId(id: string): Uint8Array {
  const seconds = Math.trunc(Number.parseInt(id.slice(4, 13), 36) / 1_000)
  return named(Number.isFinite(seconds) ? seconds : 0, digest(['id', id]), 12)
}

/** With its repeat it is the payment's key. By its channel, or wallet. */
export function nameOfFamily(family: string): Uint8Array {
  return named(placeOf(family), digest(['family', family]), 16)
}

/** With its repeat it is a voucher's payment for one call. */
export function nameOfCall(family: string, fingerprint: string): Uint8Array {
  return named(placeOf(family), digest(['call', family, fingerprint]), 16)
}

const placeOf = (family: string) => digest(['place', family.slice(0, family.lastIndexOf(':'))]).readUInt32BE()

function named(place: number, text: Buffer, length: number): Uint8Array {
  const name = Buffer.alloc(4 + length)
  name.writeUInt32BE(place >>> 0)
  text.copy(name, 4, 0, length)
  return name
}

function digest(parts: readonly string[]): Buffer {
  return hash('sha256', JSON.stringify(parts), 'buffer')
}
