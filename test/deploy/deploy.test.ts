import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { network } from 'hardhat'
import { type Address, createPublicClient, createTestClient, createWalletClient, type Hex, http } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ensureProxy, proxyAddress } from '../../scripts/deploy/create2-proxy.ts'
import { DeployError } from '../../scripts/deploy/DeployError.ts'
import type { DeploymentFile } from '../../scripts/deploy/DeploymentFile.ts'
import { deployEscrow, predictEscrowAddress } from '../../scripts/deploy/deploy-escrow.ts'
import { deployToNetwork } from '../../scripts/deploy/deploy-to-network.ts'

// Each test has a chain of its own that answers as Base Sepolia, and a folder of its own for the records.

const key: Hex = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80'
const account = privateKeyToAccount(key)
const script = fileURLToPath(new URL('../../scripts/deploy.ts', import.meta.url))

let server: Awaited<ReturnType<typeof network.createServer>>
let url: string
let folder: string

beforeEach(async () => {
  server = await network.createServer('rehearsal', '127.0.0.1', 0)
  const { port } = await server.listen()
  url = `http://127.0.0.1:${port}`
  folder = await mkdtemp(join(tmpdir(), 'farthing-deploy-'))
})

afterEach(async () => {
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

function clients() {
  const transport = http(url)
  return {
    walletClient: createWalletClient({ transport, account }),
    publicClient: createPublicClient({ transport, pollingInterval: 20 }),
    testClient: createTestClient({ transport, mode: 'hardhat' }),
  }
}

function deploy(options: Partial<deployToNetwork.Options> = {}) {
  const { walletClient, publicClient } = clients()
  return deployToNetwork({
    walletClient: async () => walletClient,
    publicClient,
    chainId: 84532,
    confirmations: 1,
    now: () => 1_800_000_000_000,
    folder,
    ...options,
  })
}

async function tamper(address: Address) {
  const { publicClient, testClient } = clients()
  const code = await publicClient.getCode({ address })
  if (code === undefined) throw new Error('nothing is deployed')
  await testClient.setCode({ address, bytecode: code.replace(/^0x60(..)/, '0x6060') as Hex })
}

/** Runs the command as a user would, with nothing from this process's environment but PATH and what is given. */
function command(args: string[], env: Record<string, string> = {}) {
  return new Promise<{ code: number | null; out: string; err: string }>((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...args], {
      env: { PATH: process.env.PATH ?? '', CI: '1', ...env },
    })
    let out = ''
    let err = ''
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString()
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, out, err }))
  })
}

describe('deployToNetwork', () => {
  test('default: the first run deploys and records, the second finds and checks', async () => {
    const first = await deploy()
    expect(first.outcome).toBe('deployed')
    const { transaction, ...rest } = JSON.parse(
      await readFile(join(folder, '84532.json'), 'utf8'),
    ) as DeploymentFile
    expect(transaction).toMatch(/^0x[0-9a-f]{64}$/)
    expect(rest).toEqual({
      chainId: 84532,
      address: await predictEscrowAddress(),
      block: 3,
      deployer: account.address,
      compiler: 'solc 0.8.37, cancun, optimizer 1000000',
      bytecodeHash: first.deployment.bytecodeHash,
      salt: first.deployment.salt,
      deployedAt: '2027-01-15T08:00:00.000Z',
    })

    const { publicClient } = clients()
    const before = await publicClient.getBlockNumber()
    const second = await deploy({
      walletClient: () => Promise.reject(new Error('the second run has nothing to sign')),
    })
    expect(second).toEqual({ outcome: 'recorded', deployment: first.deployment, file: undefined })
    expect(await publicClient.getBlockNumber()).toBe(before)
  })

  test('behavior: without the record the escrow is found by its address, and recorded', async () => {
    const { deployment } = await deploy()
    await rm(join(folder, '84532.json'))
    const second = await deploy()
    expect(second.outcome).toBe('found')
    expect(second.deployment).toMatchObject({ address: deployment.address, transaction: null, block: null })
    expect(await readdir(folder)).toEqual(['84532.json'])
  })

  test('error: code that was changed on the chain is refused, recorded or not', async () => {
    const { deployment } = await deploy()
    await tamper(deployment.address)
    await expect(deploy()).rejects.toThrow(/is not the escrow compiled here: it differs at byte 1/)
    await rm(join(folder, '84532.json'))
    await expect(deploy()).rejects.toThrow(DeployError)
    expect(await readdir(folder)).toEqual([])
  })

  test('error: a record of other code than is compiled now is refused', async () => {
    const { deployment } = await deploy()
    const other = { ...deployment, address: '0x1234567890AbcdEF1234567890aBcdef12345678' }
    await writeFile(join(folder, '84532.json'), JSON.stringify(other))
    await expect(deploy()).rejects.toThrow(/have changed since/)
  })

  test('error: a record of an escrow that is not on the chain is refused', async () => {
    const { deployment } = await deploy()
    await clients().testClient.setCode({ address: deployment.address, bytecode: '0x' })
    await expect(deploy()).rejects.toThrow(/There is no contract/)
  })

  test('error: a broken record is refused, not overwritten', async () => {
    await writeFile(join(folder, '84532.json'), '{')
    await expect(deploy()).rejects.toThrow(/is not a deployment of chain 84532/)
    expect(await readFile(join(folder, '84532.json'), 'utf8')).toBe('{')
  })

  test('error: an endpoint of another chain is refused, and nothing is sent', async () => {
    await expect(deploy({ chainId: 11155111 })).rejects.toThrow(/serves chain 84532, not 11155111/)
    expect(await clients().publicClient.getBlockNumber()).toBe(0n)
    expect(await readdir(folder)).toEqual([])
  })

  test('error: an account without gas money is refused', async () => {
    const poor = createWalletClient({
      transport: http(url),
      account: privateKeyToAccount(`0x${'11'.repeat(32)}`),
    })
    await expect(deploy({ walletClient: async () => poor })).rejects.toThrow(/has nothing on chain 84532/)
  })
})

describe('deployEscrow', () => {
  test('behavior: waits for the confirmations asked for', async () => {
    const { walletClient, publicClient, testClient } = clients()
    let done = false
    const deployment = deployEscrow({ walletClient, publicClient, confirmations: 3 }).then((result) => {
      done = true
      return result
    })
    while ((await publicClient.getCode({ address: await predictEscrowAddress() })) === undefined) {
      await publicClient.getBlockNumber({ cacheTime: 0 })
    }
    expect(done).toBe(false)
    await testClient.mine({ blocks: 2 })
    expect((await deployment).outcome).toBe('deployed')
  })
})

describe('ensureProxy', () => {
  test('default: puts the proxy on a fresh chain and finds it then', async () => {
    expect(await ensureProxy(clients())).toBe('created')
    expect(await ensureProxy(clients())).toBe('present')
  })

  test('error: something else at the address is refused', async () => {
    await clients().testClient.setCode({ address: proxyAddress, bytecode: '0x6001' })
    await expect(ensureProxy(clients())).rejects.toThrow(/has code that is not/)
  })

  test('error: a chain that refuses the presigned transaction is named as such', async () => {
    const { walletClient, publicClient } = clients()
    const strict = {
      ...publicClient,
      sendRawTransaction: () => Promise.reject(new Error('only replay-protected')),
    }
    await expect(ensureProxy({ walletClient, publicClient: strict })).rejects.toThrow(
      /refused the transaction/,
    )
  })
})

describe('./run deploy', () => {
  test('default: deploys, prints what the gateway needs, and checks when run again', async () => {
    const args = [
      '--network',
      'base-sepolia',
      '--rpc-url',
      url,
      '--private-key-env',
      'KEY',
      '--confirmations',
      '1',
    ]
    const first = await command([...args, '--out', folder], { KEY: key })
    expect(first).toMatchObject({ code: 0, err: '' })
    expect(first.out).toContain('Deployed the escrow to ')
    expect(first.out).toContain(
      `chain:\n  id: 84532\n  rpcUrl: ${url}\n  confirmations: 1\n  startBlock: 3\nescrow: '0x`,
    )
    const second = await command(['--network', 'base-sepolia', '--out', folder], {
      BASE_SEPOLIA_RPC_URL: url,
    })
    expect(second.out).toContain('rpcUrl: { env: BASE_SEPOLIA_RPC_URL }')
    expect(second.out).not.toContain(url)
    expect(second).toMatchObject({ code: 0, err: '' })
    expect(second.out).toContain('its code is the one compiled here')
  })

  test('error: says what is wrong and how to mend it, without a stack', async () => {
    const run = (...args: string[]) => command([...args, '--out', folder])
    const unknown = await run('--network', 'mars')
    expect(unknown.code).toBe(1)
    expect(unknown.err).toMatch(/^Network "mars" is not known; .* Fix: .*\n$/)
    expect((await run()).err).toMatch(/No network is named/)
    expect((await run('--network', 'sepolia', '--rpc-url', url)).err).toMatch(
      /serves chain 84532, not 11155111/,
    )
    const keyless = await run('--chain-id', '84532', '--rpc-url', url, '--private-key-env', 'NO_SUCH_KEY')
    const dead = await run('--network', 'sepolia', '--rpc-url', 'http://127.0.0.1:1/my-api-key')
    expect(dead.err).toMatch(/^HTTP request failed\. .*\nFix: check the RPC endpoint/)
    expect(dead.err).not.toContain('my-api-key')
    expect(keyless.err).toMatch(/^There is no private key in NO_SUCH_KEY\. Fix: npx hardhat keystore set/)
  })

  test('behavior: a network may come from a file, and a bad key is not repeated', async () => {
    const config = join(folder, 'networks.json')
    await writeFile(config, JSON.stringify({ mine: { chainId: 84532, rpcUrl: url, confirmations: 1 } }))
    const args = ['--network', 'mine', '--config', config, '--out', join(folder, 'records')]
    const bad = await command(args, { DEPLOYER_PRIVATE_KEY: '0xdeadbeefdeadbeef' })
    expect(bad.code).toBe(1)
    expect(bad.err).toMatch(/is not a private key/)
    expect(bad.err + bad.out).not.toContain('deadbeef')
    const good = await command(args, { DEPLOYER_PRIVATE_KEY: key.slice(2) })
    expect(good).toMatchObject({ code: 0, err: '' })
    expect(good.out + good.err).not.toContain(key.slice(2))
  })
})
