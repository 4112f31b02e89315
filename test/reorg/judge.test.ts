import { describe, expect, test } from 'vitest'
import {
  judgeAnchor,
  judgeCharge,
  judgeClose,
  judgeDeposit,
  judgeSettlements,
} from '../../gateway/settlement/reorg-judge.ts'

const hash = `0x${'aa'.repeat(32)}` as const
const ref = { chainId: 1, transaction: hash, logIndex: 0, block: 100n, blockHash: hash }

describe('judgeAnchor', () => {
  test('default: its block is as it was: nothing to do, until it is so deep that it stays', () => {
    expect(judgeAnchor({ kind: 'charge', state: 'standing', ref }, { head: 100n, hash }, 12)).toBe(
      'unchanged',
    )
    expect(judgeAnchor({ kind: 'charge', state: 'standing', ref }, { head: 110n, hash }, 12)).toBe(
      'unchanged',
    )
    expect(judgeAnchor({ kind: 'charge', state: 'standing', ref }, { head: 111n, hash }, 12)).toBe('final')
  })

  test('behavior: another block, however late it is noticed, is looked at: also after downtime', () => {
    expect(
      judgeAnchor(
        { kind: 'charge', state: 'standing', ref },
        { head: 101n, hash: `0x${'bb'.repeat(32)}` },
        12,
      ),
    ).toBe('look')
    expect(
      judgeAnchor(
        { kind: 'charge', state: 'standing', ref },
        { head: 9_999n, hash: `0x${'bb'.repeat(32)}` },
        12,
      ),
    ).toBe('look')
    expect(judgeAnchor({ kind: 'charge', state: 'missing', ref }, { head: 9_999n, hash }, 12)).toBe('look')
    expect(judgeAnchor({ kind: 'charge', state: 'reversed', ref }, { head: 9_999n, hash }, 12)).toBe('look')
  })

  test('behavior: what was followed is not looked at: the watcher reads what comes again', () => {
    for (const kind of ['settle', 'close', 'withdrawal'] as const) {
      expect(judgeAnchor({ kind, state: 'reversed', ref }, { head: 110n, hash }, 12)).toBe('unchanged')
      expect(judgeAnchor({ kind, state: 'reversed', ref }, { head: 111n, hash }, 12)).toBe('final')
    }
  })

  test('behavior: a node that is behind says nothing', () => {
    expect(judgeAnchor({ kind: 'charge', state: 'standing', ref }, { head: 99n, hash: null }, 12)).toBe(
      'behind',
    )
  })
})

describe('judgeCharge', () => {
  test.each([
    ['deep', null, true, 'stands'],
    ['shallow', null, true, 'wait'],
    ['nowhere', 'executed', true, 'replace'],
    ['nowhere', 'pending', true, 'wait'],
    ['nowhere', 'possible', true, 'resend'],
    ['nowhere', 'possible', false, 'reverse'],
    ['nowhere', 'impossible', true, 'reverse'],
  ] as const)('behavior: shown %s, %s, affordable %s → %s', (shown, fate, affordable, verdict) => {
    expect(judgeCharge(shown, fate, affordable)).toBe(verdict)
  })
})

describe('judgeDeposit', () => {
  test.each([
    ['deep', 10n, true, 'stands'],
    ['nowhere', 10n, false, 'replace'],
    ['shallow', 9n, true, 'wait'],
    ['nowhere', 9n, true, 'resend'],
    ['nowhere', 9n, false, 'reverse'],
  ] as const)(
    'behavior: shown %s, %s of 10 on chain, relayed %s → %s',
    (shown, onChain, relayed, verdict) => {
      expect(judgeDeposit(shown, { booked: 10n, onChain }, relayed)).toBe(verdict)
    },
  )
})

describe('judgeSettlements', () => {
  test.each([
    [['deep', 'deep'], 0n, true, 'stands'],
    [['nowhere', 'shallow'], 0n, true, 'wait'],
    [['nowhere'], 9n, true, 'resend'],
    [['nowhere'], 10n, true, 'follow'],
    [['nowhere'], 9n, false, 'follow'],
    [['nowhere', 'otherwise'], 10n, true, 'follow'],
  ] as const)('behavior: shown %s, %s of 10 settled, open %s → %s', (shown, settled, open, verdict) => {
    expect(judgeSettlements(shown, { booked: 10n, settled, open })).toBe(verdict)
  })
})

describe('judgeClose', () => {
  test.each([
    ['deep', true, true, 'stands'],
    ['shallow', false, true, 'wait'],
    ['nowhere', true, true, 'replace'],
    ['nowhere', false, true, 'resend'],
    ['nowhere', false, false, 'reverse'],
  ] as const)('behavior: shown %s, closed %s, ours %s → %s', (shown, closed, ours, verdict) => {
    expect(judgeClose(shown, { closed, ours })).toBe(verdict)
  })
})
