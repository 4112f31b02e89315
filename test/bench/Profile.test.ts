import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import { summarise } from '../../scripts/bench/Profile.ts'

const frame = (functionName: string, path = '') => ({
  functionName,
  url: path === '' ? '' : pathToFileURL(join(process.cwd(), path)).href,
  lineNumber: 9,
})

describe('summarise', () => {
  test('default: shares of the busy time, by function and folder; what recurs counts once; idle and the probe do not', () => {
    const { functions, inclusive, folders } = summarise({
      nodes: [
        { id: 1, callFrame: frame('(root)'), children: [2, 5, 6, 7] },
        { id: 2, callFrame: frame('claim', 'gateway/ledger/claim.ts'), children: [3] },
        { id: 3, callFrame: frame('claim', 'gateway/ledger/claim.ts'), children: [4] },
        { id: 4, callFrame: frame('') },
        { id: 5, callFrame: frame('(idle)') },
        { id: 6, callFrame: frame('answer', 'scripts/bench/probe.ts') },
        { id: 7, callFrame: frame('parse', 'node_modules/@scope/name/dist/index.js') },
      ],
      samples: [2, 3, 4, 5, 6, 7],
      timeDeltas: [12, 20, 28, 1_000, 1_000, 40],
    })
    expect(inclusive).toEqual([{ name: 'claim  gateway/ledger/claim.ts:10', share: 0.6 }])
    expect(functions).toEqual([
      { name: 'parse  @scope/name/dist/index.js:10', share: 0.4 },
      { name: 'claim  gateway/ledger/claim.ts:10', share: 0.32 },
      { name: 'native code of claim  gateway/ledger/claim.ts:10', share: 0.28 },
    ])
    expect(folders).toEqual([
      { name: '@scope/name', share: 0.4 },
      { name: 'gateway/ledger', share: 0.32 },
      { name: 'native code of gateway/ledger', share: 0.28 },
    ])
  })
})
