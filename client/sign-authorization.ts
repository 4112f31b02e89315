import type { Hex, TypedDataDefinition } from 'viem'
import * as Authorization from '../gateway/protocol/Authorization.ts'
import type { Context } from './Context.ts'

/** Signs an EIP-3009 authorization. What it gives away must be counted before. */
export function signAuthorization(
  context: Context,
  kind: 'transfer' | 'receive',
  domain: Authorization.TokenDomain,
  message: Authorization.Authorization,
): Promise<Hex> {
  return context.account.signTypedData(Authorization.typedData(kind, domain, message) as TypedDataDefinition)
}
