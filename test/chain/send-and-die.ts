import { join } from 'node:path'
import { type Address, custom, encodeFunctionData, type Hex, http } from 'viem'
import { createChain } from '../../gateway/chain/create-chain.ts'
import { systemClock } from '../../gateway/clock.ts'
import type { Ledger } from '../../gateway/ledger/Ledger.ts'
import { openSqliteLedger } from '../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import { tokenAbi } from '../../gateway/protocol/abi.ts'

/** A process of its own that sends two transactions, and kills itself at a boundary of the second. */
export type Orders = {
  rpcUrl: string
  chainId: number
  escrow: Address
  token: Address
  key: Hex
  folder: string
  to: Address
  boundary: Boundary
}
export const boundaries = ['signed', 'recorded', 'broadcast', 'sent', 'mined'] as const
export type Boundary = (typeof boundaries)[number]

if (import.meta.main) {
  const orders = JSON.parse(process.argv[2] ?? '') as Orders
  let armed = false
  const at = (boundary: Boundary) => {
    if (armed && boundary === orders.boundary) process.kill(process.pid, 'SIGKILL')
  }
  const books = await openSqliteLedger({ path: join(orders.folder, 'ledger.sqlite') })
  const ledger: Ledger = {
    ...books,
    async intend(intent) {
      at('signed')
      const written = await books.intend(intent)
      at('recorded')
      return written
    },
    async updateIntent(id, change) {
      if (change.state !== 'sent') at('mined')
      const written = await books.updateIntent(id, change)
      if (change.state === 'sent') at('sent')
      return written
    },
  }
  const node = http(orders.rpcUrl, { retryCount: 0 })({})
  const transport = custom({
    async request(question: Parameters<typeof node.request>[0]) {
      const answer: unknown = await node.request(question)
      if (question.method === 'eth_sendRawTransaction') at('broadcast')
      return answer
    },
  })
  const { chainId, escrow, token, key } = orders
  const settings = { confirmations: 1, pollingMs: 20, timeoutMs: 5_000 }
  const chain = createChain({
    chainId,
    rpcUrl: transport,
    escrow,
    relayer: key,
    ledger,
    clock: systemClock,
    ...settings,
  })
  const mint = (amount: bigint, subject: string) => {
    const data = encodeFunctionData({ abi: tokenAbi, functionName: 'mint', args: [orders.to, amount] })
    return chain.submit({ kind: 'charge', subjects: [subject], to: token, data })
  }
  await mint(1n, 'pay_first')
  armed = true
  await mint(2n, 'pay_second')
}
