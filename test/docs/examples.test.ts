import { execFile } from 'node:child_process'
import { createServer, type RequestListener, type Server } from 'node:http'
import { promisify } from 'node:util'
import { getRequestListener } from '@hono/node-server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createPayingFetch } from '../../client/index.ts'
import { createReports } from '../../examples/embed-in-hono/app.ts'
import example from '../../examples/price-your-api/farthing.config.ts'
import * as Config from '../../gateway/config/Config.ts'
import { freePort } from '../../scripts/dev/free-port.ts'
import { type LocalChain, startChain } from '../support/chain.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'

/** The examples are run, so that whoever copies one has something that works. */

let chain: LocalChain
let gateway: TestGateway
let server: Server
let url: string

beforeAll(async () => {
  chain = await startChain()
  const port = await freePort()
  url = `http://127.0.0.1:${port}`
  gateway = await startGateway({
    chain,
    routes: [{ path: '/report', price: '0.01' }],
    override: { publicUrl: url },
  })
  const listener = getRequestListener(createReports(gateway).fetch, { overrideGlobalObjects: false })
  server = createServer(listener as RequestListener)
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
})
afterAll(async () => {
  server?.closeAllConnections()
  server?.close()
  await gateway?.end()
  await chain?.close()
})

function account(index: number) {
  const found = chain.accounts[index]
  const privateKey = chain.privateKeys[index]
  if (found === undefined || privateKey === undefined) throw new Error('no such account')
  return { account: found, privateKey }
}

describe('examples/price-your-api', () => {
  test('default: is a configuration that the gateway takes', () => {
    const environment = {
      FARTHING_SECRET: Buffer.alloc(32, 1).toString('base64'),
      FARTHING_RPC_URL: 'http://127.0.0.1:8545',
      FARTHING_RELAYER_KEY: `0x${'11'.repeat(32)}`,
    }
    expect(Config.parse(example, environment).routes.map(({ id }) => id)).toEqual([
      'GET /weather/:city',
      'POST /forecast',
    ])
  })
})

describe('examples/embed-in-hono', () => {
  test('default: an own route is paid before its handler answers; others pass through', async () => {
    expect(await (await fetch(`${url}/about`)).text()).toBe('free for everybody')
    expect((await fetch(`${url}/report`)).status).toBe(402)
    const { account: payer } = account(5)
    await chain.mint(payer.address, 1_000_000n)
    const paying = createPayingFetch({
      account: payer,
      rails: ['charge'],
      limits: { perCall: 20_000n, perDay: 50_000n },
    })
    const response = await paying(`${url}/report`)
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ report: 'all quiet', for: payer.address.toLowerCase() })
  })

  test('error: a forged identity header does not reach the handler', async () => {
    const { account: payer } = account(6)
    await chain.mint(payer.address, 1_000_000n)
    const paying = createPayingFetch({
      account: payer,
      rails: ['charge'],
      limits: { perCall: 20_000n, perDay: 50_000n },
    })
    const response = await paying(`${url}/report`, {
      headers: { 'x-farthing-wallet': '0x0000000000000000000000000000000000000001' },
    })
    expect(await response.json()).toMatchObject({ for: payer.address.toLowerCase() })
  })
})

describe('examples/pay-from-code', () => {
  test('default: pays a call by itself', async () => {
    const { account: payer, privateKey } = account(7)
    await chain.mint(payer.address, 1_000_000n)
    const { stdout, stderr } = await promisify(execFile)(
      'node',
      ['examples/pay-from-code/pay.ts', `${url}/report`],
      {
        env: { ...process.env, FARTHING_PRIVATE_KEY: privateKey },
      },
    )
    expect(JSON.parse(stdout)).toMatchObject({ report: 'all quiet' })
    expect(stderr).toMatch(/paid 10000 base units by (channel|charge)/)
  })
})
