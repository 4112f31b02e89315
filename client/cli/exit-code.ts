import { CommanderError } from 'commander'
import { PaymentError, PaymentRefusedError, PaymentUnknownError, ReceiptError } from '../errors.ts'
import { LockError } from '../store/lock.ts'

/** What the process says by its exit code; `docs/client.md` lists them. */
export const exitCode = {
  ok: 0,
  /** The call's HTTP status is 400 or above, or the command could not be done. */
  failed: 1,
  usage: 2,
  /** Limits or pins forbid it; nothing was signed. */
  refused: 3,
  /** A payment went out and its outcome is not proven. */
  unknown: 4,
  network: 5,
} as const

/** The command cannot be understood, or lacks something it needs. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The exit code of an error. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.ok : exitCode.usage
  if (error instanceof UsageError) return exitCode.usage
  if (error instanceof PaymentRefusedError) return exitCode.refused
  if (error instanceof PaymentUnknownError || error instanceof ReceiptError) return exitCode.unknown
  if (error instanceof PaymentError && error.code === 'withdrawal-unknown') return exitCode.unknown
  if (error instanceof LockError) return exitCode.failed
  return isNetwork(error) ? exitCode.network : exitCode.failed
}

/** fetch reports every network fault as a `TypeError` with a cause. */
function isNetwork(error: unknown): boolean {
  return error instanceof TypeError && error.cause !== undefined
}
