import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createFileStore, createMemoryStore, InvalidStateError } from '../../../client/node.ts'
import { copy, empty } from '../../../client/store/State.ts'
import { stillClock } from '../support/wallet.ts'

const directory = () => mkdtemp(join(tmpdir(), 'farthing-store-'))

describe('State.copy', () => {
  test('default: equal and shares nothing, whatever callers name their keys', () => {
    const state = empty()
    state.pins = JSON.parse('{"__proto__":{"chainId":7},"constructor":{"chainId":8}}')
    state.spending.tokens['1:0x'] = { total: 1n, hosts: { a: 1n } }
    const copied = copy(state)
    expect(copied).toEqual(state)
    expect(Object.entries(copied.pins)).toEqual(Object.entries(state.pins))
    expect(Object.getPrototypeOf(copied.pins)).toBe(Object.prototype)
    expect(copied.spending.tokens['1:0x']?.hosts).not.toBe(state.spending.tokens['1:0x']?.hosts)
  })
})

describe.each([
  ['createMemoryStore', async () => createMemoryStore()],
  ['createFileStore', async () => createFileStore(await directory())],
])('%s', (_name, make) => {
  test('default: starts empty, and keeps what an update changed', async () => {
    const store = await make()
    expect((await store.read()).channels).toEqual({})
    const outcome = await store.update((state) => {
      state.pins['https://a'] = { chainId: 1 }
      return 'written'
    })
    expect(outcome).toBe('written')
    expect((await store.read()).pins).toMatchObject({ 'https://a': { chainId: 1 } })
  })

  test('behavior: an update that throws changes nothing, and its neighbours go through', async () => {
    const store = await make()
    const bump = (fail: boolean) =>
      store.update((state) => {
        state.spending.opened.a = (state.spending.opened.a ?? 0) + 1
        if (fail) throw new RangeError('no')
      })
    const results = await Promise.allSettled([bump(false), bump(true), bump(false)])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect((await store.read()).spending.opened.a).toBe(2)
  })

  test('behavior: what is read is a copy', async () => {
    const store = await make()
    ;(await store.read()).pins.x = {}
    expect((await store.read()).pins).toEqual({})
  })

  test('behavior: a hundred updates at once are applied one after another', async () => {
    const store = await make()
    const numbers = await Promise.all(
      Array.from({ length: 100 }, () =>
        store.update((state) => {
          state.spending.opened.n = (state.spending.opened.n ?? 0) + 1
          return state.spending.opened.n
        }),
      ),
    )
    expect(new Set(numbers).size).toBe(100)
  })
})

describe('createFileStore', () => {
  test('behavior: only the owner can read it, and no temporary file stays', async () => {
    const path = await directory()
    await createFileStore(path).update(() => {})
    expect((await stat(join(path, 'state.json'))).mode & 0o777).toBe(0o600)
    expect(await readdir(path)).toEqual(['state.json'])
  })

  test('behavior: several processes never lose an update', async () => {
    const path = await directory()
    const script = `
      const { createFileStore } = await import(${JSON.stringify(new URL('../../../client/node.ts', import.meta.url).href)})
      const store = createFileStore(${JSON.stringify(path)})
      for (let i = 0; i < 25; i++) await store.update((state) => { state.spending.opened.n = (state.spending.opened.n ?? 0) + 1 })
    `
    const children = Array.from({ length: 3 }, () =>
      spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' }),
    )
    const codes = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0]))
    expect(codes).toEqual([0, 0, 0])
    expect((await createFileStore(path).read()).spending.opened.n).toBe(75)
  })

  test('behavior: the lock of a process that is gone is broken', async () => {
    const path = await directory()
    await writeFile(join(path, 'lock'), `999999999 ${hostname()}\n`)
    await createFileStore(path).update((state) => {
      state.pins.x = {}
    })
    expect((await createFileStore(path).read()).pins).toEqual({ x: {} })
  })

  test('behavior: an old lock of another machine is broken', async () => {
    const path = await directory()
    await writeFile(join(path, 'lock'), '1 elsewhere\n')
    const old = new Date(Date.now() - 60_000)
    await utimes(join(path, 'lock'), old, old)
    await createFileStore(path).update(() => {})
  })

  test('error: a lock that is held is waited for, and then named', async () => {
    const path = await directory()
    await writeFile(join(path, 'lock'), '1 elsewhere\n')
    const clock = stillClock((await stat(join(path, 'lock'))).mtimeMs)
    await expect(createFileStore(path, { clock }).update(() => {})).rejects.toThrow(/lock .* is held/)
  })

  test('error: a state that cannot be read is not overwritten', async () => {
    const path = await directory()
    await writeFile(join(path, 'state.json'), '{"version":2}')
    const store = createFileStore(path)
    await expect(store.update(() => {})).rejects.toThrow(InvalidStateError)
    await expect(store.read()).rejects.toThrow(InvalidStateError)
    expect(await readFile(join(path, 'state.json'), 'utf8')).toBe('{"version":2}')
  })
})
