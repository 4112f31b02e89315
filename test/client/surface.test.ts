import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import * as Client from '../../client/index.ts'
import * as NodeClient from '../../client/node.ts'

const root = new URL('../../client/', import.meta.url).pathname
const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
const imports = (file: string) =>
  [...readFileSync(join(root, file), 'utf8').matchAll(/from '([^']+)'/g)].map(([, from]) => String(from))

describe('the public surface', () => {
  test('default: client/index.ts', () => {
    expect(Object.keys(Client)).toMatchInlineSnapshot(`
      [
        "createKeyAccount",
        "createPayingFetch",
        "ChannelError",
        "PaymentError",
        "PaymentRefusedError",
        "PaymentUnknownError",
        "ReceiptError",
        "createMemoryStore",
        "InvalidStateError",
      ]
    `)
  })

  test('default: client/node.ts', () => {
    expect(Object.keys(NodeClient).filter((name) => !(name in Client))).toMatchInlineSnapshot(`
      [
        "createFileStore",
        "LockError",
      ]
    `)
  })

  test('default: a paying fetch', () => {
    const account = { address: `0x${'11'.repeat(20)}`, signTypedData: async () => '0x' as const } as const
    expect(
      Object.keys(Client.createPayingFetch({ account, limits: { perCall: 1n, perDay: 1n } })),
    ).toMatchInlineSnapshot(`
      [
        "channels",
        "close",
        "topUp",
        "requestClose",
        "withdraw",
        "recoverChannels",
        "signIn",
        "signOut",
        "balance",
        "withdrawBalance",
        "withdrawal",
        "payment",
        "forget",
      ]
    `)
  })
})

describe('the folder', () => {
  test('behavior: imports of the gateway only its protocol', () => {
    for (const file of files)
      for (const from of imports(file))
        if (from.includes('gateway/')) expect(from, file).toMatch(/gateway\/protocol\//)
  })

  test('behavior: what runs in browsers imports nothing of Node', () => {
    for (const file of files.filter(
      (file) =>
        !/^(cli|store\/(file|lock)\.ts|node\.ts|account\/(create-native-key-account|native)\.ts)/.test(file),
    ))
      expect(
        imports(file).filter((from) => /^node:|^secp256k1|store\/(file|lock)\.ts|cli\/|native/.test(from)),
        file,
      ).toEqual([])
  })

  test('behavior: the clock and the environment have one reader each', () => {
    for (const file of files) {
      const text = readFileSync(join(root, file), 'utf8')
      if (file !== 'clock.ts') expect(text, file).not.toMatch(/Date\.now\(/)
      if (!file.startsWith('cli/')) expect(text, file).not.toMatch(/process\.env/)
    }
  })
})
