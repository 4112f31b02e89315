import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** How long the disk takes to confirm, milliseconds. */
export type Disk = { p50: number; p99: number; p999: number; samples: number[] }

/**
 * Appends a page to a file and waits for the disk, as often as asked. A paid call waits for that twice: what it adds to a call's
 * time cannot be less.
 */
export function measureDisk(folder: string, times: number): Disk {
  const file = openSync(join(folder, 'disk'), 'w')
  const page = Buffer.alloc(4_096, 1)
  try {
    const samples = Array.from({ length: times }, () => {
      const before = performance.now()
      writeSync(file, page)
      fdatasyncSync(file)
      return performance.now() - before
    })
    const rising = samples.toSorted((a, b) => a - b)
    const at = (share: number) => rising[Math.min(rising.length - 1, Math.floor(rising.length * share))] ?? 0
    return { p50: at(0.5), p99: at(0.99), p999: at(0.999), samples }
  } finally {
    closeSync(file)
  }
}
