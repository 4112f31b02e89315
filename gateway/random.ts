import { randomFillSync } from 'node:crypto'

/** Unpredictable bytes that nobody was given yet. */
const drawn = Buffer.alloc(4_096)
let next = drawn.byteLength

/**
 * Bytes from the system's generator, for ids and nonces: drawn by the block, because a few cost as much as many. Each byte
 * is given once and wiped.
 * @throws {RangeError} more than a block.
 */
export function randomBytes(count: number): Buffer {
  if (count > drawn.byteLength)
    throw new RangeError(`${count} bytes are more than the ${drawn.byteLength} of a block.`)
  if (next + count > drawn.byteLength) {
    randomFillSync(drawn)
    next = 0
  }
  const bytes = Buffer.from(drawn.subarray(next, next + count))
  drawn.fill(0, next, next + count)
  next += count
  return bytes
}
