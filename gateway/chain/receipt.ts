import { type Hex, type PublicClient, TransactionReceiptNotFoundError } from 'viem'
import type { Chain } from './Chain.ts'
import { asking } from './ChainUnavailableError.ts'

/** The mined receipt of a transaction with its depth (1 in the newest block), or null. */
export function readReceipt(client: PublicClient, hash: Hex): Promise<Chain.Mined | null> {
  return asking('eth_getTransactionReceipt', async () => {
    const receipt = await client.getTransactionReceipt({ hash }).catch((error: unknown) => {
      if (error instanceof TransactionReceiptNotFoundError) return null
      throw error
    })
    if (receipt === null) return null
    const head = await client.getBlockNumber()
    return {
      hash: receipt.transactionHash,
      block: receipt.blockNumber,
      depth: head < receipt.blockNumber ? 1 : Number(head - receipt.blockNumber) + 1,
      status: receipt.status === 'success' ? 'succeeded' : 'reverted',
      logs: receipt.logs,
    }
  })
}
