import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'

/** The tools that measure one part, each as one process and as small as it goes: they still run, and say what they promise. They time nothing. */

const root = join(import.meta.dirname, '..', '..')

async function said(tool: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [`scripts/bench/micro/${tool}.ts`, ...args],
    { cwd: root },
  )
  return stdout
}

describe('bench, one part alone', () => {
  test.each([
    ['verify', [], 'voucher checked, seen before'],
    ['sign', [], 'voucher signed, native'],
    ['pages', ['256', '64'], 'channels, leaf'],
    ['trees', ['2000', '512'], '2,000'],
    ['history', ['256', '64'], 'moved, µs of processor time a call'],
  ] as const)(
    'default: %s prints its table',
    async (tool, args, row) => {
      expect(await said(tool, ...args)).toContain(row)
    },
    60_000,
  )
})
