import { readdir, readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'

// A branch tree specifies a function, and each of its leaves names the test that proves it. This holds the two together:
// a leaf without a test, or a test without a leaf, fails.

const folder = new URL('.', import.meta.url)
const trees = (await readdir(folder)).filter((file) => file.endsWith('.tree'))
const functions = [
  'close',
  'open',
  'openWithAuthorization',
  'requestClose',
  'settle',
  'settleBatch',
  'topUp',
  'topUpWithAuthorization',
  'withdraw',
]

describe('branch trees', () => {
  test('default: there is one for every function that changes something', () => {
    expect(trees.map((file) => file.replace('.tree', '')).sort()).toEqual(functions)
  })

  test.each(trees)('default: %s and its tests name the same cases', async (file) => {
    const name = file.replace('.tree', '')
    const tree = await readFile(new URL(file, folder), 'utf8')
    const solidity = await readFile(
      new URL(`${name[0]?.toUpperCase()}${name.slice(1)}.t.sol`, folder),
      'utf8',
    )
    expect(tree.split('\n')[0]).toBe(name)
    const leaves = [...tree.matchAll(/it should .*\[(test\w+)\]/g)].map((match) => match[1])
    expect(leaves.length).toBe([...tree.matchAll(/it should/g)].length)
    const tests = [...solidity.matchAll(/function (test\w+)\(/g)].map((match) => match[1])
    expect([...new Set(leaves)].sort()).toEqual(tests.sort())
  })
})
