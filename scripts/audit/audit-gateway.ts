import type { BooksAudit } from '../../gateway/audit-books.ts'
import type { Gateway } from '../../gateway/gateway.ts'
import { describeAudit, isClean } from './describe-audit.ts'

/** What an audit found, for a program and for a person. */
export type AuditReport = BooksAudit & { ok: boolean; text: string }

/** Audits a gateway of this process through its own connection: the laws, the trail, and the chain at depth. */
export async function auditGateway({
  deps,
  settlement,
}: Pick<Gateway, 'deps' | 'settlement'>): Promise<AuditReport> {
  const audit = { ledger: await deps.ledger.audit(), reconciliation: await settlement.reconcile() }
  return { ok: isClean(audit), ...audit, text: describeAudit(audit) }
}
