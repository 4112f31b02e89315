import { describe, expect, test } from 'vitest'
import { countSolidity, countVitest, noTests } from '../../scripts/test/tally.ts'

describe('countVitest', () => {
  const report = (passed: number, failed: number, testResults: unknown[] = []) =>
    JSON.stringify({ numPassedTests: passed, numFailedTests: failed, testResults })

  test('default: passed and failed', () => {
    expect(countVitest(report(3, 1))).toEqual({ passed: 3, failed: 1 })
  })

  test('behavior: a file that could not be loaded counts as failed', () => {
    const files = [
      { status: 'failed', assertionResults: [] },
      { status: 'failed', assertionResults: [{}] },
      { status: 'passed', assertionResults: [] },
    ]
    expect(countVitest(report(3, 1, files))).toEqual({ passed: 3, failed: 2 })
  })

  test('error: no report is no tests, never a success', () => {
    for (const text of ['', '{', '{}', 'null', '[]']) expect(countVitest(text)).toEqual(noTests)
  })
})

describe('countSolidity', () => {
  test('default: passed and failed, with or without colours', () => {
    expect(countSolidity('    ✔ test_A()\n\n  152 passing\n')).toEqual({ passed: 152, failed: 0 })
    expect(countSolidity('\u001b[32m  12 passing\u001b[39m\n\u001b[31m  2 failing\u001b[39m\n')).toEqual({
      passed: 12,
      failed: 2,
    })
  })

  test('error: output without a sum is no tests', () => {
    expect(countSolidity('Error HHE27: no passing thought')).toEqual(noTests)
  })
})
