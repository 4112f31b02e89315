import type { Difference } from './Difference.ts'

/** What one audit found. */
export type Findings = {
  /** Violations of the laws of the books, and of their trail. */
  violations: readonly string[]
  /** Points on which the books and the chain disagree, seen in every look of the audit. */
  differences: readonly Difference[]
}

/** What the findings mean. `stop`: routes that are set to stop on drift sell nothing until an audit is clean again. */
export type Drift = { drift: boolean; stop: boolean; reasons: string[] }

/**
 * Judges an audit. Every finding is an alarm. What anybody can bring about alone, sending the payee tokens that nobody
 * asked for, never stops a sale: else a grain of dust would close the shop. What an operator has accepted counts no more.
 * Pure.
 */
export function judge(findings: Findings, accepted: ReadonlySet<string>): Drift {
  const differences = findings.differences.filter(({ subject }) => !accepted.has(subject))
  const reasons = [...findings.violations, ...differences.map(({ text }) => text)]
  return {
    drift: reasons.length > 0,
    stop: findings.violations.length > 0 || differences.some(({ gift }) => gift !== true),
    reasons,
  }
}

/**
 * Keeps the differences that both looks found. While the gateway works, a settlement may be on chain and not yet in the
 * books, or the other way round, for a moment; what stays is a difference. Pure.
 */
export function confirmed(earlier: readonly Difference[], now: readonly Difference[]): Difference[] {
  const seen = new Set(earlier.map(keyOf))
  return now.filter((difference) => seen.has(keyOf(difference)))
}

const keyOf = ({ kind, subject }: Difference) => `${kind} ${subject}`

/** What to do after an audit, by what was and what is. Pure. */
export function transition(
  before: Pick<Drift, 'stop'>,
  now: Pick<Drift, 'stop'>,
): 'stop' | 'resume' | 'none' {
  if (before.stop === now.stop) return 'none'
  return now.stop ? 'stop' : 'resume'
}
