import { getAddress, type Hex } from 'viem'
import type { Payee } from '../Payee.ts'
import type { Terms } from '../Terms.ts'

/** The `session` request of an MPP challenge (draft-evm-session-00, "Request Schema"). */
export function mppRequest(terms: Terms, payee: Payee, channelId: Hex | null): Record<string, unknown> {
  return {
    amount: terms.amount.toString(),
    unitType: 'request',
    suggestedDeposit: terms.token.suggestedDeposit.toString(),
    currency: getAddress(terms.token.address),
    recipient: getAddress(payee.address),
    ...(terms.route.description === null ? {} : { description: terms.route.description }),
    methodDetails: {
      chainId: terms.token.chainId,
      escrowContract: getAddress(payee.escrow),
      ...(channelId === null ? {} : { channelId }),
      minVoucherDelta: '0',
      feePayer: true,
      credentialTypes: ['authorization', 'hash'],
    },
  }
}
