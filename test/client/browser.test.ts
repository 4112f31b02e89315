import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

/** Every module that a browser loads with `client/index.ts`, and every package that they name. */
function loaded(entry: string): { files: Set<string>; packages: Set<string> } {
  const files = new Set<string>()
  const packages = new Set<string>()
  const waiting = [new URL(entry, import.meta.url)]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (files.has(next.pathname)) continue
    files.add(next.pathname)
    const text = readFileSync(next, 'utf8')
    const named = /^\s*(?:import|export)\s+(?!type\b)(?:[^'"]*?\sfrom\s+)?['"]([^'"]+)['"]/gm
    const asked = /\b(?:import|require|createRequire)\s*\(\s*['"]([^'"]+)['"]/g
    for (const [, from = ''] of [...text.matchAll(named), ...text.matchAll(asked)])
      if (from.startsWith('.')) waiting.push(new URL(from, next))
      else packages.add(from)
  }
  return { files, packages }
}

describe('client/index.ts in a browser', () => {
  test('default: loads these packages and no other, none of them Node’s or native', () => {
    expect([...loaded('../../client/index.ts').packages].sort()).toMatchInlineSnapshot(`
      [
        "@noble/hashes/hmac.js",
        "@noble/hashes/sha2.js",
        "@noble/hashes/sha3.js",
        "@noble/hashes/utils.js",
        "canonicalize",
        "viem",
        "viem/accounts",
        "viem/siwe",
        "zod/mini",
      ]
    `)
  })

  test('behavior: loads nothing of what client/node.ts adds', () => {
    const { files } = loaded('../../client/index.ts')
    const node = loaded('../../client/node.ts')
    expect([...node.packages]).toEqual(expect.arrayContaining(['node:module', 'node:fs/promises']))
    const added = [...node.files].filter((file) => !files.has(file)).map((file) => file.split('/client/')[1])
    expect(added.sort()).toMatchInlineSnapshot(`
      [
        "account/create-native-key-account.ts",
        "account/native.ts",
        "node.ts",
        "store/file.ts",
        "store/lock.ts",
      ]
    `)
  })
})
