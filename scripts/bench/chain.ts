import type { Address, Hex } from 'viem'
import { startChain } from '../local-chain.ts'

/** `chain.ts ADDRESS …`: a local chain as a process of its own; it is idle while anything is measured. */
const chain = await startChain({ accounts: 2 })
for (const address of process.argv.slice(2)) await chain.mint(address as Address, 10n ** 15n)
const { rpcUrl, chainId, escrow, token, privateKeys, accounts } = chain
const facts: ChainFacts = {
  rpcUrl,
  chainId,
  escrow: escrow.toLowerCase() as Address,
  token: token.toLowerCase() as Address,
  payee: (accounts[1]?.address.toLowerCase() ?? '0x') as Address,
  payeeKey: privateKeys[1] ?? '0x',
}
process.stdout.write(`${JSON.stringify(facts)}\n`)
process.on('SIGTERM', () => void chain.close().finally(() => process.exit(0)))

/** What the others need to know of it. */
export type ChainFacts = {
  rpcUrl: string
  chainId: number
  escrow: Address
  token: Address
  payee: Address
  payeeKey: Hex
}
