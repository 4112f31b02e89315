import { zeroAddress } from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMemoryStore, createPayingFetch } from '../../../client/index.ts'
import { escrowAbi, tokenAbi } from '../../../gateway/protocol/abi.ts'
import { type LocalChain, startChain } from '../../support/chain.ts'

let chain: LocalChain
beforeAll(async () => {
  chain = await startChain()
})
afterAll(() => chain.close())

describe('a forced close', () => {
  test('default: asks the escrow, waits the grace period, and gets the deposit back', async () => {
    const [, payer, payee] = chain.accounts
    if (payer === undefined || payee === undefined) throw new Error('accounts')
    await chain.mint(payer.address, 1_000n)
    const wallet = chain.walletClient(payer)
    const salt = `0x${'05'.repeat(32)}` as const
    const send = async (hash: Promise<`0x${string}`>) =>
      chain.publicClient.waitForTransactionReceipt({ hash: await hash })
    await send(
      wallet.writeContract({
        address: chain.token,
        abi: tokenAbi,
        functionName: 'approve',
        args: [chain.escrow, 1_000n],
      }),
    )
    await send(
      wallet.writeContract({
        address: chain.escrow,
        abi: escrowAbi,
        functionName: 'open',
        args: [payee.address, chain.token, 1_000n, salt, zeroAddress],
      }),
    )
    const channelId = await chain.publicClient.readContract({
      address: chain.escrow,
      abi: escrowAbi,
      functionName: 'computeChannelId',
      args: [payer.address, payee.address, chain.token, salt, zeroAddress],
    })
    const lower = <text extends string>(text: text) => text.toLowerCase() as text
    const store = createMemoryStore()
    await store.update((state) => {
      state.channels[channelId] = {
        channelId,
        chainId: chain.chainId,
        escrow: lower(chain.escrow),
        payer: lower(payer.address),
        payee: lower(payee.address),
        token: lower(chain.token),
        origin: 'http://127.0.0.1:1',
        url: 'http://127.0.0.1:1/',
        method: 'GET',
        state: 'open',
        deposit: 1_000n,
        signed: 0n,
        accepted: 0n,
        spent: 0n,
        uncertain: 0n,
        reserved: {},
      }
    })
    const limits = { perCall: 1n, perDay: 1n }
    const payingFetch = createPayingFetch({ account: payer, limits, store, rpcUrl: chain.rpcUrl })

    await expect(payingFetch.withdraw(channelId)).rejects.toThrow(/CloseNotReady/)
    const asked = await payingFetch.requestClose(channelId)
    expect(asked.transaction).toMatch(/^0x[0-9a-f]{64}$/)
    expect((await payingFetch.requestClose(channelId)).transaction).toBeUndefined()
    await chain.testClient.setNextBlockTimestamp({ timestamp: BigInt(asked.readyAt / 1000) + 1n })
    await chain.mine(1)
    expect(await payingFetch.withdraw(channelId)).toMatchObject({ refunded: 1_000n })
    expect(await payingFetch.channels()).toMatchObject([{ state: 'closed' }])
    await expect(payingFetch.requestClose(channelId)).rejects.toMatchObject({ code: 'channel-closed' })
  })
})
