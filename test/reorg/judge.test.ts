import { describe, expect, test } from 'vitest'
import {
  judgeAnchor,
  judgeCharge,
  judgeDeposit,
  judgeSettlement,
} from '../../gateway/settlement/reorg-judge.ts'

const hash = `0x${'aa'.repeat(32)}` as const
const ref = { chainId: 1, transaction: hash, logIndex: 0, block: 100n, blockHash: hash }

describe('judgeAnchor', () => {
  test('default: its block is as it was: nothing to do, until it is so deep that it stays', () => {
    expect(judgeAnchor({ state: 'standing', ref }, { head: 100n, hash }, 12)).toBe('unchanged')
    expect(judgeAnchor({ state: 'standing', ref }, { head: 110n, hash }, 12)).toBe('unchanged')
    expect(judgeAnchor({ state: 'standing', ref }, { head: 111n, hash }, 12)).toBe('final')
  })

  test('behavior: another block, however late it is noticed, is looked at: also after downtime', () => {
    expect(judgeAnchor({ state: 'standing', ref }, { head: 101n, hash: `0x${'bb'.repeat(32)}` }, 12)).toBe(
      'look',
    )
    expect(judgeAnchor({ state: 'standing', ref }, { head: 9_999n, hash: `0x${'bb'.repeat(32)}` }, 12)).toBe(
      'look',
    )
    expect(judgeAnchor({ state: 'missing', ref }, { head: 9_999n, hash }, 12)).toBe('look')
    expect(judgeAnchor({ state: 'reversed', ref }, { head: 9_999n, hash }, 12)).toBe('look')
  })

  test('behavior: a node that is behind says nothing', () => {
    expect(judgeAnchor({ state: 'standing', ref }, { head: 99n, hash: null }, 12)).toBe('behind')
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

describe('judgeSettlement', () => {
  test.each([
    ['deep', 0n, 'stands'],
    ['shallow', 0n, 'wait'],
    ['nowhere', 10n, 'replace'],
    ['nowhere', 9n, 'resend'],
  ] as const)('behavior: shown %s, %s of 10 settled → %s', (shown, onChain, verdict) => {
    expect(judgeSettlement(shown, { booked: 10n, onChain })).toBe(verdict)
  })
})
