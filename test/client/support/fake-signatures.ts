import { type Address, type Hex, verifyTypedData } from 'viem'
import * as Authorization from '../../../gateway/protocol/Authorization.ts'
import * as Voucher from '../../../gateway/protocol/Voucher.ts'
import { domain, type State } from './fake-gateway.ts'

/** The fake believes signatures only. */

export function verifyVoucher(
  state: State,
  address: Address,
  channelId: Hex,
  cumulativeAmount: bigint,
  signature: Hex,
) {
  const typed = Voucher.typedData(state.terms, { channelId, cumulativeAmount })
  return verifyTypedData({ ...typed, address, signature })
}

export function verifyAuthorization(
  state: State,
  kind: 'transfer' | 'receive',
  message: Authorization.Authorization,
  signature: Hex,
) {
  const { chainId, token } = state.terms
  const typed = Authorization.typedData(kind, { ...domain, chainId, token }, message)
  return verifyTypedData({ ...typed, address: message.from, signature } as Parameters<
    typeof verifyTypedData
  >[0])
}
