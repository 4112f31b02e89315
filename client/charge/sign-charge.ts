import type { Authorization } from '../../gateway/protocol/Authorization.ts'
import * as Credential from '../../gateway/protocol/mpp/Credential.ts'
import * as PaymentPayload from '../../gateway/protocol/x402/PaymentPayload.ts'
import type { Context } from '../Context.ts'
import { did, wire } from '../credential-parts.ts'
import * as Charge from './Charge.ts'

/**
 * Signs one transfer and returns the header that carries it: EIP-3009 for MPP (draft-evm-charge-00, "Authorization
 * Payload", its nonce bound to the challenge) or x402 `exact` (scheme_exact_evm section 1, a random nonce).
 */
export async function signCharge(context: Context, charge: Charge.Charge): Promise<Record<string, string>> {
  const { source } = Charge.offerOf(charge)
  const message: Authorization = {
    from: context.address,
    to: charge.payee,
    value: charge.amount,
    validAfter: 0n,
    validBefore: charge.validBefore,
    nonce: charge.nonce,
  }
  const domain = { ...charge.domain, chainId: charge.chainId, token: charge.token }
  const signature = await context.signing.authorization('transfer', domain, message)
  const authorization = wire(message)
  if (source.dialect === 'x402')
    return {
      [PaymentPayload.header]: PaymentPayload.serialize({
        x402Version: 2,
        resource: source.required.resource,
        accepted: source.requirements,
        payload: { signature, authorization },
      }),
    }
  return {
    Authorization: Credential.serialize({
      challenge: source.challenge,
      source: did(charge.chainId, context.address),
      payload: { type: 'authorization', ...authorization, signature },
    }),
  }
}
