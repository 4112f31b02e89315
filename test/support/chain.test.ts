import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type LocalChain, startChain } from './chain.ts'

let chain: LocalChain
beforeAll(async () => {
  chain = await startChain({ chainId: 84532, accounts: 3 })
})
afterAll(() => chain.close())

describe('startChain', () => {
  test('default: deploys the escrow and tokens, on the chain id asked for, with well-known accounts', async () => {
    expect(await chain.publicClient.getChainId()).toBe(84532)
    expect(chain.accounts.map((account) => account.address)).toEqual([
      '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266',
      '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
      '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC',
    ])
    for (const address of [chain.escrow, chain.token, chain.token18, chain.nft, chain.multiToken])
      expect(await chain.publicClient.getCode({ address })).toMatch(/^0x60/)
  })

  test('behavior: mints side by side without nonce trouble', async () => {
    const [, payer] = chain.accounts
    if (payer === undefined) throw new Error('unreachable')
    await Promise.all([chain.mint(payer.address, 5n), chain.mint(payer.address, 7n)])
  })
})
