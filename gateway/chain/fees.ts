import { hexToBigInt, type PublicClient } from 'viem'

/** What a transaction offers for its gas, in the chain's smallest unit: EIP-1559, or a plain price where there is none. */
export type Fees =
  | { type: 'eip1559'; maxFeePerGas: bigint; maxPriorityFeePerGas: bigint }
  | { type: 'legacy'; gasPrice: bigint }

/** Most that a transaction pays for a unit of gas. */
export const capOf = (fees: Fees): bigint => (fees.type === 'eip1559' ? fees.maxFeePerGas : fees.gasPrice)

/** Asks what to offer now. The fee cap is twice the base fee and the tip: it holds through six full blocks. */
export async function estimateFees(client: PublicClient): Promise<Fees> {
  const { baseFeePerGas } = await client.getBlock()
  if (baseFeePerGas === null) return { type: 'legacy', gasPrice: await client.getGasPrice() }
  const tip = await priority(client, baseFeePerGas)
  return { type: 'eip1559', maxFeePerGas: baseFeePerGas * 2n + tip, maxPriorityFeePerGas: tip }
}

/** Chains that do not answer `eth_maxPriorityFeePerGas` still say what gas costs. */
async function priority(client: PublicClient, baseFee: bigint): Promise<bigint> {
  try {
    return hexToBigInt(await client.request({ method: 'eth_maxPriorityFeePerGas' }))
  } catch {
    const price = await client.getGasPrice()
    return price > baseFee ? price - baseFee : 0n
  }
}
