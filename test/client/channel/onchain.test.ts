import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createPayingFetch } from '../../../client/index.ts'
import { escrowAbi, tokenAbi } from '../../../gateway/protocol/abi.ts'
import { type LocalChain, startChain } from '../../support/chain.ts'
import { startFakeGateway } from '../support/fake-gateway.ts'

describe('a gateway that does not pay the gas', () => {
  let chain: LocalChain
  beforeAll(async () => {
    chain = await startChain()
  })
  afterAll(() => chain.close())

  test('default: the payer opens and tops the channel up by its own transactions', async () => {
    const [, payer, payee] = chain.accounts
    if (payer === undefined || payee === undefined) throw new Error('accounts')
    await chain.mint(payer.address, 10_000n)
    const lower = <text extends string>(text: text) => text.toLowerCase() as text
    const gateway = await startFakeGateway({
      feePayer: false,
      rails: ['channel'],
      suggestedDeposit: 1_500n,
      escrow: lower(chain.escrow),
      token: lower(chain.token),
      payee: lower(payee.address),
    })
    const limits = { perCall: 10_000n, perDay: 100_000n }
    const without = createPayingFetch({ account: payer, limits })
    await expect(without(gateway.url)).rejects.toMatchObject({ rule: 'rpcUrl' })

    const payingFetch = createPayingFetch({ account: payer, limits, rpcUrl: chain.rpcUrl })
    expect((await payingFetch(gateway.url)).status).toBe(200)
    expect((await payingFetch(gateway.url)).status).toBe(200)
    const [channel] = await payingFetch.channels()
    if (channel === undefined) throw new Error('no channel')
    const onchain = await chain.publicClient.readContract({
      address: chain.escrow,
      abi: escrowAbi,
      functionName: 'getChannel',
      args: [channel.channelId],
    })
    expect(onchain).toMatchObject({ payer: payer.address, deposit: 3_000n, settled: 0n })
    expect(channel).toMatchObject({ deposit: 3_000n, signed: 2_000n, spent: 2_000n })
    const args = [payer.address] as const
    const balance = { address: chain.token, abi: tokenAbi, functionName: 'balanceOf', args } as const
    expect(await chain.publicClient.readContract(balance)).toBe(7_000n)
    await gateway.close()
  })
})
