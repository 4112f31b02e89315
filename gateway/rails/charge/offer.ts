import { getAddress } from 'viem'
import type { Requirements } from '../../protocol/x402/PaymentRequired.ts'
import type { Payee } from '../Payee.ts'
import type { Terms } from '../Terms.ts'

/** The `charge` request of an MPP challenge (draft-evm-charge-00, "Request Schema"). */
export function mppRequest(terms: Terms, payee: Payee): Record<string, unknown> {
  return {
    amount: terms.amount.toString(),
    currency: getAddress(terms.token.address),
    recipient: getAddress(payee.address),
    ...(terms.route.description === null ? {} : { description: terms.route.description }),
    methodDetails: {
      chainId: terms.token.chainId,
      credentialTypes: ['authorization'],
      decimals: terms.token.decimals,
    },
  }
}

/** The `exact` entry of x402's `accepts` (scheme_exact_evm section 1). A payload echoes it whole. */
export function x402Requirements(terms: Terms, payee: Payee): Requirements {
  return {
    scheme: 'exact',
    network: `eip155:${terms.token.chainId}`,
    amount: terms.amount.toString(),
    asset: getAddress(terms.token.address),
    payTo: getAddress(payee.address),
    maxTimeoutSeconds: payee.timeoutSeconds,
    extra: {
      assetTransferMethod: 'eip3009',
      name: terms.token.name,
      version: terms.token.version,
      route: terms.route.id,
    },
  }
}
