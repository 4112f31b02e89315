import type { Deps } from '../deps.ts'
import { GatewayError } from '../errors.ts'
import type { Matched } from './match.ts'

/** Sells nothing on a route that is set to stop while the books and the chain disagree. @throws {StoppedOnDriftError} */
export function refuseWhenStopped(
  { route }: Matched,
  { config, audits }: Pick<Deps, 'config' | 'audits'>,
): void {
  if ((route.stopOnDrift ?? config.audit.stopOnDrift) && audits.state().stopped)
    throw new StoppedOnDriftError()
}

/** The gateway's own audit found that its books and the chain disagree. */
export class StoppedOnDriftError extends GatewayError {
  constructor() {
    super({
      status: 503,
      code: 'stopped-on-drift',
      message:
        'The gateway does not sell this now: its books are being checked against the chain. Nothing was charged. ' +
        'Try again later; do not pay another way for the same call.',
      retryAfter: 60,
    })
  }
}
