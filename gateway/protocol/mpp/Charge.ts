import * as z from 'zod/mini'
import { address, amount, bytes32, signature, uint256 } from '../Schema.ts'

/** `evm` / `charge`: one ERC-20 transfer per call (draft-evm-charge-00). */

/** The challenge's request, decoded. `amount` in base units. */
export const request = z.object({
  amount,
  currency: address,
  recipient: address,
  description: z.optional(z.string()),
  externalId: z.optional(z.string()),
  methodDetails: z.object({
    chainId: z.int().check(z.positive()),
    credentialTypes: z.optional(z.array(z.string())),
    decimals: z.optional(z.int()),
    splits: z.optional(z.array(z.unknown())),
  }),
})
export type Request = z.infer<typeof request>

/** Payload of `type="authorization"`: an EIP-3009 `transferWithAuthorization` signed by the payer. */
export const authorization = z.object({
  type: z.literal('authorization'),
  from: address,
  to: address,
  value: amount,
  validAfter: uint256,
  validBefore: uint256,
  nonce: bytes32,
  signature,
})
export type Authorization = z.infer<typeof authorization>
