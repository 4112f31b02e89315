import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { encodeFunctionData } from 'viem'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { tokenAbi } from '../../gateway/protocol/abi.ts'
import { createStage, type Stage } from '../settlement/stage.ts'
import { type LocalChain, startChain } from '../support/chain.ts'
import { boundaries, type Orders } from './send-and-die.ts'

let local: LocalChain
let stage: Stage
beforeAll(async () => {
  local = await startChain({ accounts: 2 })
})
afterAll(() => local.close())
beforeEach(async () => {
  stage = await createStage(local)
})
afterEach(() => stage.close())

describe('a process that is killed while it sends', () => {
  test.each(boundaries)(
    'behavior: killed at "%s": no gap, no duplicate, and what was recorded is mined once',
    async (boundary) => {
      const { key, folder, fromBlock } = stage
      const to = stage.chain.payee
      await stage.close(false)
      const { rpcUrl, chainId, escrow, token } = local
      const orders: Orders = { rpcUrl, chainId, escrow, token, key, folder, to, boundary }
      const child = spawn(process.execPath, [
        new URL('./send-and-die.ts', import.meta.url).pathname,
        JSON.stringify(orders),
      ])
      const [, signal] = (await once(child, 'exit')) as [number | null, string | null]
      expect(signal).toBe('SIGKILL')

      stage = await createStage(local, { key, folder, fromBlock })
      await stage.chain.recover()
      await stage.chain.recover()
      const data = encodeFunctionData({ abi: tokenAbi, functionName: 'mint', args: [to, 4n] })
      const third = await stage.chain.submit({
        kind: 'charge',
        subjects: ['pay_third'],
        to: local.token,
        data,
      })
      expect(third).toMatchObject({ status: 'succeeded' })
      await stage.resolver.tick()

      const subjects = ['pay_first', 'pay_second', 'pay_third']
      const intents = (await Promise.all(subjects.map((subject) => stage.ledger.intentsFor(subject)))).flat()
      // Of what was only signed nothing is left: nobody has it, and its nonce is the next one's.
      const recorded = boundary === 'signed' ? 2 : 3
      expect(intents.map(({ nonce, state }) => [nonce, state])).toEqual(
        Array.from({ length: recorded }, (_, nonce) => [nonce, 'succeeded']),
      )
      expect(await local.publicClient.getTransactionCount({ address: to })).toBe(recorded)
      expect(await stage.held()).toBe(boundary === 'signed' ? 5n : 7n)
      expect(await stage.ledger.openIntents()).toEqual([])
    },
  )
})
