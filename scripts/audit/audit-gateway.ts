import type { Gateway } from '../../gateway/gateway.ts'
import type { Ledger } from '../../gateway/ledger/Ledger.ts'
import type { Settlement } from '../../gateway/settlement/create-settlement.ts'

/** What an audit found, for a program and for a person. */
export type AuditReport = {
  ok: boolean
  ledger: Ledger.Audit
  reconciliation: Awaited<ReturnType<Settlement['reconcile']>>
  text: string
}

/** Checks the five laws on a snapshot of the books, and compares the books with the chain at depth. */
export async function auditGateway({
  deps,
  settlement,
}: Pick<Gateway, 'deps' | 'settlement'>): Promise<AuditReport> {
  const ledger = await deps.ledger.audit()
  const reconciliation = await settlement.reconcile()
  const ok =
    ledger.balanced && ledger.laws.every(({ holds }) => holds) && reconciliation.differences.length === 0
  return { ok, ledger, reconciliation, text: describe(ok, ledger, reconciliation) }
}

function describe(
  ok: boolean,
  ledger: Ledger.Audit,
  { differences, checked }: AuditReport['reconciliation'],
): string {
  const laws = ledger.laws.flatMap(({ law, title, holds, violations }) => [
    `  ${holds ? 'holds ' : 'BROKEN'}  ${law}. ${title}`,
    ...violations.map((violation) => `            ${violation}`),
  ])
  const found = differences.map(({ text }) => `  ${text}`)
  return `${[
    `Books: ${ledger.payments} payments, ${ledger.channels} channels, ${ledger.transfers} transfers.`,
    ...laws,
    `Chain: ${checked.blocks} blocks, ${checked.transfers} transfers, ${checked.channels} channels compared with ${checked.entries} entries.`,
    ...(found.length === 0 ? ['  No differences.'] : found),
    ok ? 'All holds.' : 'SOMETHING DOES NOT HOLD.',
  ].join('\n')}\n`
}
