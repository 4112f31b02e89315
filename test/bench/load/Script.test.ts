import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import * as Script from '../../../scripts/bench/load/Script.ts'

const folder = mkdtempSync(join(tmpdir(), 'farthing-script-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('Script', () => {
  test('default: what was written is read back, byte for byte', async () => {
    const file = join(folder, 'script.bin')
    const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array))
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(bytes, { maxLength: 5 }), { maxLength: 5 }), async (script) => {
        await Script.write(file, script)
        expect(Script.read(file)).toEqual(script)
      }),
      { numRuns: 50 },
    )
  })
})
