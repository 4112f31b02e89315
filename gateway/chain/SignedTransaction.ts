import { type Address, type Hex, keccak256, type LocalAccount, parseTransaction } from 'viem'
import { capOf, type Fees } from './fees.ts'

/** A call from a key of ours, as it is signed. Nothing but a fee ever differs between two signings of one nonce. */
export type Call = { chainId: number; nonce: number; to: Address; data: Hex; gas: bigint }

/** Signs. The hash is known before anybody is told. */
export async function sign(account: LocalAccount, call: Call, fees: Fees): Promise<{ raw: Hex; hash: Hex }> {
  const raw = await account.signTransaction({ ...call, value: 0n, ...fees })
  return { raw, hash: keccak256(raw) }
}

/** What a transaction of ours says and offers; null when the bytes are not one that we could have signed. */
export function parse(raw: Hex): { call: Call; fees: Fees } | null {
  try {
    const { chainId, nonce = 0, to, data = '0x', gas, ...rest } = parseTransaction(raw)
    if (chainId === undefined || to === undefined || to === null || gas === undefined) return null
    const fees = feesOf(rest)
    return fees === null ? null : { call: { chainId, nonce, to, data, gas }, fees }
  } catch {
    return null
  }
}

/** Most that any signing of a transaction may offer for a unit of gas: a multiple of what its first one offered. */
export function ceiling(first: Hex, maxMultiple: number): bigint {
  const parsed = parse(first)
  return parsed === null ? 0n : capOf(parsed.fees) * BigInt(maxMultiple)
}

function feesOf(offer: {
  gasPrice?: bigint | undefined
  maxFeePerGas?: bigint | undefined
  maxPriorityFeePerGas?: bigint | undefined
}): Fees | null {
  const { gasPrice, maxFeePerGas, maxPriorityFeePerGas = 0n } = offer
  if (gasPrice !== undefined) return { type: 'legacy', gasPrice }
  return maxFeePerGas === undefined ? null : { type: 'eip1559', maxFeePerGas, maxPriorityFeePerGas }
}
