import { readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'

/** What each connection sends, in order. */
export type Script = readonly (readonly Uint8Array[])[]

/** Writes a script to a file: for each connection a count, then each request with its length before it. */
export async function write(path: string, script: Script): Promise<void> {
  const file = await open(path, 'w')
  try {
    for (const requests of script) {
      const size = 4 + requests.reduce((sum, bytes) => sum + 4 + bytes.byteLength, 0)
      const block = Buffer.allocUnsafe(size)
      let at = block.writeUInt32LE(requests.length)
      for (const bytes of requests) {
        at = block.writeUInt32LE(bytes.byteLength, at)
        block.set(bytes, at)
        at += bytes.byteLength
      }
      await file.writeFile(block)
    }
  } finally {
    await file.close()
  }
}

/** Reads it back as views of one buffer: nothing is copied, and nothing is left for the collector to follow. */
export function read(path: string): Buffer[][] {
  const all = readFileSync(path)
  const script: Buffer[][] = []
  for (let at = 0; at < all.byteLength; ) {
    const requests: Buffer[] = new Array(all.readUInt32LE(at))
    at += 4
    for (let index = 0; index < requests.length; index += 1) {
      const start = at + 4
      at = start + all.readUInt32LE(at)
      requests[index] = all.subarray(start, at)
    }
    script.push(requests)
  }
  return script
}
