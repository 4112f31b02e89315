import { GatewayError } from '../errors.ts'
import type { Ledger } from '../ledger/Ledger.ts'

/**
 * How much may be spent and not be on chain yet, in base units of one token. What is unsettled is what can be lost: to a
 * payer who closes while we are down, to a contract that no longer confirms its signature, to a reorganisation.
 */
export type ExposureLimits = {
  /** On one channel. */
  perChannel: bigint
  /** On one channel whose vouchers a contract confirms (ERC-1271): it may change its mind before they are settled. */
  contractSigner: bigint
  /** On all channels. */
  total: bigint
}

/** The caps of one channel. Pure. */
export function capsOf(limits: ExposureLimits, signer: 'account' | 'contract'): Ledger.Caps {
  const { perChannel, contractSigner, total } = limits
  return {
    channel: signer === 'contract' && contractSigner < perChannel ? contractSigner : perChannel,
    total,
  }
}

/** Too much is unsettled: it is being brought to the chain now, and the call may be made then. Nothing was charged. */
export class SettlingFirstError extends GatewayError {
  constructor(scope: 'channel' | 'total', details: Record<string, unknown>) {
    super({
      status: 503,
      code: 'settling-first',
      message:
        (scope === 'channel'
          ? 'What was spent on this channel is being settled before it takes more calls.'
          : 'What was spent on all channels is being settled before they take more calls.') +
        ' Nothing was charged. Send the same request again shortly; do not pay again.',
      retryAfter: 2,
      details,
    })
  }
}
