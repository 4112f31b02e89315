import type { BooksAudit } from '../../gateway/audit-books.ts'

/** True when nothing at all was found. */
export function isClean({ ledger, reconciliation }: BooksAudit): boolean {
  return ledger.balanced && ledger.trail.holds && reconciliation.differences.length === 0
}

/** What an audit found, for a person: every violation and every difference is named. */
export function describeAudit(audit: BooksAudit): string {
  const { ledger, reconciliation } = audit
  const { trail } = ledger
  const { differences, checked } = reconciliation
  const laws = ledger.laws.flatMap(({ law, title, holds, violations }) => [
    `  ${holds ? 'holds ' : 'BROKEN'}  ${law}. ${title}`,
    ...violations.map((violation) => `            ${violation}`),
  ])
  const found = differences.map(({ text }) => `  ${text}`)
  const broken = trail.brokenAt === null ? '' : `, broken at event ${trail.brokenAt}`
  return `${[
    `Books: ${ledger.payments} payments, ${ledger.channels} channels, ${ledger.transfers} transfers.`,
    ...(ledger.waiting === 0 ? [] : [waits(ledger.waiting)]),
    ...laws,
    `Trail: ${trail.events} events${broken}.`,
    `  ${trail.holds ? 'holds ' : 'BROKEN'}  every event follows the one before it and states what is booked`,
    ...trail.violations.map((violation) => `            ${violation}`),
    ...(trail.head === null ? [] : [`  head    ${trail.head.seq}:${trail.head.hash}`]),
    `Chain: ${checked.blocks} blocks, ${checked.transfers} transfers, ${checked.channels} channels compared with ${checked.entries} entries.`,
    ...(found.length === 0 ? ['  No differences.'] : found),
    isClean(audit) ? 'All holds.' : 'SOMETHING DOES NOT HOLD.',
  ].join('\n')}\n`
}

/** Said without a verdict: beside a busy gateway it is so at any time. */
function waits(groups: number): string {
  return `  ${groups} groups of operations are in the journal and not looked at: a running gateway writes them to the tables in a moment; after a crash the next start does.`
}
