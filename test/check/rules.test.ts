import { existsSync, globSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { folders, inner } from '../../scripts/check/import-table.ts'
import { checkFile } from '../../scripts/check/rules.ts'

const rules = (file: string, text: string) =>
  checkFile(file, text).map(({ line, rule }) => `${line}: ${rule}`)

describe('checkFile', () => {
  test('default: a file that keeps to the table has no findings', () => {
    expect(
      rules(
        'gateway/rails/charge/verify.ts',
        "import { a } from '../../protocol/Voucher.ts'\nimport type { L } from '../../ledger/Ledger.ts'\nimport { b } from './terms.ts'\nimport { getAddress } from 'viem'\n",
      ),
    ).toEqual([])
  })

  const refused: [string, string, RegExp][] = [
    ['gateway/protocol/Voucher.ts', "import { x } from '../errors.ts'", /may not import gateway\/errors.ts/],
    [
      'gateway/protocol/mpp/Offer.ts',
      "import { x } from '../../clock.ts'",
      /may not import gateway\/clock.ts/,
    ],
    [
      'gateway/upstream/a.ts',
      "import type { L } from '../ledger/Ledger.ts'",
      /may not import gateway\/ledger/,
    ],
    ['gateway/rails/a.ts', "import { x } from '../request/b.ts'", /may not import gateway\/request/],
    [
      'gateway/rails/a.ts',
      "import { x } from '../ledger/sqlite/Books.ts'",
      /gateway\/ledger\/sqlite is known only to/,
    ],
    ['gateway/request/a.ts', "import { x } from '../settlement/b.ts'", /may not import gateway\/settlement/],
    ['gateway/request/a.ts', "import { deps } from '../deps.ts'", /only types from gateway\/deps.ts/],
    ['gateway/settlement/a.ts', "import { x } from '../request/b.ts'", /may not import gateway\/request/],
    ['client/pay.ts', "import { x } from '../gateway/errors.ts'", /client may not import gateway\/errors.ts/],
    [
      'client/store/file.ts',
      "const x = await import('../../gateway/ledger/Ledger.ts')",
      /client may not import/,
    ],
    ['gateway/ledger/a.ts', "export { x } from '../../scripts/dev.ts'", /may not import scripts/],
    ['gateway/novelty/a.ts', "import { x } from '../errors.ts'", /stands in no row/],
    [
      'gateway/rails/a.ts',
      "import Database from 'better-sqlite3'",
      /"better-sqlite3" belongs to gateway\/ledger/,
    ],
    ['gateway/request/a.ts', "import { Hono } from 'hono'", /"hono" belongs to/],
    ['gateway/request/a.ts', "import { cors } from 'hono/cors'", /"hono" belongs to/],
    ['gateway/chain/a.ts', "import { fetch } from 'undici'", /"undici" belongs to gateway\/upstream/],
    ['gateway/policy/a.ts', "import { x } from './b'", /without its extension/],
    ['test/a.test.ts', "import { x } from '../gateway/errors.js'", /without its extension/],
    ['gateway/policy/a.ts', 'const x = process.env.HOME', /process.env belongs to gateway\/config/],
    ['gateway/policy/a.ts', 'const now = Date.now()', /the current time belongs to gateway\/clock.ts/],
    ['client/a.ts', 'const now = new Date()', /the current time belongs to/],
    ['gateway/server.ts', "process.on('SIGTERM', stop)", /signals and process.exit belongs to/],
    ['gateway/policy/a.ts', 'process . exit(1)', /signals and process.exit belongs to/],
    ['gateway/request/a.ts', 'console.log(1)', /console belongs to/],
    [
      'gateway/request/a.ts',
      'const wallet = createWalletClient({})',
      /wallet clients belongs to gateway\/chain/,
    ],
    ['client/a.ts', 'x\n'.repeat(401), /401 lines/],
  ]
  for (const [file, text, rule] of refused)
    test(`error: ${file}: ${text.slice(0, 60).trim()}`, () => {
      const found = rules(file, text)
      expect(found).toHaveLength(1)
      expect(found[0]).toMatch(rule)
    })

  test('behavior: owners, comments and strings are free', () => {
    expect(rules('gateway/config/load-config.ts', 'const x = process.env.HOME')).toEqual([])
    expect(rules('gateway/main.ts', "process.on('SIGTERM', stop)\nprocess.exit(1)")).toEqual([])
    expect(rules('gateway/clock.ts', 'export const now = () => Date.now()')).toEqual([])
    expect(
      rules(
        'gateway/gateway.ts',
        "import { x } from './ledger/sqlite/connect.ts'\nimport { y } from './settlement/a.ts'",
      ),
    ).toEqual([])
    expect(
      rules(
        'gateway/policy/a.ts',
        "// Date.now() and console.log\nconst x = 'process.env'\nconst y = `console.log`\n",
      ),
    ).toEqual([])
    expect(
      rules(
        'gateway/policy/a.ts',
        'const y = new Date(0)\nconst alive = process.kill(pid, 0)\nlog.console.x()',
      ),
    ).toEqual([])
  })

  test('behavior: a finding says where, what and how', () => {
    expect(checkFile('gateway/rails/a.ts', "\nimport { x } from '../request/b.ts'\n")).toMatchInlineSnapshot(`
      [
        {
          "file": "gateway/rails/a.ts",
          "fix": "it may import gateway/protocol, gateway/chain, gateway/errors.ts, gateway/clock.ts, gateway/ledger, gateway/routes, gateway/policy, gateway/single-flight.ts, types of gateway/pricing, types of gateway/config",
          "line": 2,
          "rule": "gateway/rails may not import gateway/request: how money moves does not depend on how a request runs",
        },
      ]
    `)
  })
})

describe('the import table', () => {
  test('behavior: every folder of the gateway has a row, and every row says why', () => {
    const present = globSync('gateway/*/').map((folder) => folder.replace(/\/$/, ''))
    expect(present.filter((folder) => !(folder in folders))).toEqual([])
    for (const row of Object.values(folders)) expect(row.why).not.toBe('')
  })

  test('behavior: it names nothing that cannot exist', () => {
    const files = new Set(Object.keys(folders))
    for (const { may, types = [] } of Object.values(folders))
      for (const name of [...may, ...types]) expect(files.has(name) || existsSync(name), name).toBe(true)
    for (const part of inner) expect(part.startsWith('gateway/ledger/')).toBe(true)
  })
})
