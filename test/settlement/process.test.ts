import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { thisProcess } from '../../gateway/settlement/Process.ts'

describe('thisProcess', () => {
  const own = thisProcess()

  test('default: it lives, and so does another one while it runs', async () => {
    expect(own.lives(own)).toBe(true)
    const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'])
    await once(child, 'spawn')
    const other = { host: own.host, pid: child.pid ?? 0, born: null }
    expect(own.lives(other)).toBe(true)
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(own.lives(other)).toBe(false)
  })

  test.skipIf(own.born === null)(
    'behavior: a pid that another process has by now is that of a dead one',
    () => {
      expect(own.lives({ ...own, born: 'another boot 12345' })).toBe(false)
      // Nothing to compare: a process with that pid is there.
      expect(own.lives({ ...own, born: null })).toBe(true)
    },
  )

  test('behavior: of a process of another machine, or another container, nothing is said', () => {
    expect(own.lives({ ...own, host: 'elsewhere pid:[1]' })).toBeNull()
    expect(own.lives({ host: 'elsewhere', pid: 2 ** 22 + 1, born: null })).toBeNull()
  })
})
