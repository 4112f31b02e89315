/**
 * How the chain and the settlement tell the operator something: a level, an event in kebab-case, and details that are
 * safe to log (never a signature, a raw transaction or an RPC address).
 */
export type Report = (
  level: 'info' | 'warn' | 'error',
  event: string,
  details: Record<string, unknown>,
) => void

/** Says nothing. */
export const silent: Report = () => {}
