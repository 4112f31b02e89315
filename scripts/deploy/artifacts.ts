import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Abi, Hex } from 'viem'

/** A compiled contract, as Hardhat wrote it. */
export type Artifact = {
  contractName: string
  /** Path of the source below the repository, e.g. `contracts/ChannelEscrow.sol`. */
  sourceName: string
  abi: Abi
  /** The init code: what a deployment sends, before constructor arguments. */
  bytecode: Hex
  /** The runtime code with zeros where immutables go. */
  deployedBytecode: Hex
  /** Where the immutables go: byte offsets into the runtime code. */
  immutableReferences: Record<string, readonly { start: number; length: number }[]>
  /** Compiler version and settings, e.g. `solc 0.8.37, cancun, optimizer 1000000`. */
  compiler: string
}

const root = fileURLToPath(new URL('../../', import.meta.url))
const contracts = join(root, 'contracts')
const built = join(root, 'artifacts', 'contracts')
const stamp = join(root, 'artifacts', 'farthing-build.json')
const lock = join(root, 'cache', 'farthing-build.lock')

/**
 * Reads a compiled contract by its name, compiling first when the sources have changed since the last time or were
 * never compiled. Works offline and from any working directory; several processes may call it at once.
 *
 * @param name The contract's name, e.g. `ChannelEscrow`. Two contracts of one name are an error.
 * @throws ArtifactError when there is no such contract or the sources do not compile.
 */
export async function loadArtifact(name: string): Promise<Artifact> {
  await build()
  const found = (await filesBelow(built)).filter((file) => file.endsWith(`.sol/${name}.json`))
  const [file] = found
  if (file === undefined || found.length > 1) {
    const where = found.length === 0 ? 'is not below contracts/' : `is there twice: ${found.join(', ')}`
    throw new ArtifactError(`Contract "${name}" ${where}.`)
  }
  const artifact = JSON.parse(await readFile(file, 'utf8')) as Artifact & { buildInfoId: string }
  return { ...artifact, compiler: await compilerOf(artifact.buildInfoId) }
}

/**
 * Compiles the contracts when their sources or the configuration differ from what was compiled last; else does nothing
 * (a few milliseconds). The first compilation takes about ten seconds.
 *
 * @throws ArtifactError with the compiler's messages.
 */
export async function build(): Promise<void> {
  const wanted = await digestOfSources()
  if (await isBuilt(wanted)) return
  await withLock(async () => {
    if (await isBuilt(wanted)) return
    await runHardhat('build', '--no-tests', '--quiet')
    await writeFile(stamp, `${JSON.stringify({ sources: wanted }, null, 2)}\n`)
  })
}

/** What can be wrong with the compiled contracts. */
export class ArtifactError extends Error {
  override name = 'ArtifactError'
}

async function isBuilt(wanted: string): Promise<boolean> {
  if (!existsSync(built)) return false
  const text = await readFile(stamp, 'utf8').catch(() => undefined)
  return text !== undefined && (JSON.parse(text) as { sources: string }).sources === wanted
}

async function digestOfSources(): Promise<string> {
  const sources = (await filesBelow(contracts)).filter((file) => file.endsWith('.sol'))
  const hash = createHash('sha256')
  const others = [
    'hardhat.config.ts',
    'node_modules/solc/package.json',
    'node_modules/@openzeppelin/contracts/package.json',
  ].map((file) => join(root, file))
  for (const file of [...sources, ...others]) {
    hash
      .update(relative(root, file))
      .update('\0')
      .update(await readFile(file))
      .update('\0')
  }
  return hash.digest('hex')
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

async function compilerOf(buildInfoId: string): Promise<string> {
  type BuildInfo = {
    solcVersion: string
    input: { settings: { evmVersion: string; optimizer: { enabled: boolean; runs: number } } }
  }
  const file = join(root, 'artifacts', 'build-info', `${buildInfoId}.json`)
  const { solcVersion, input } = JSON.parse(await readFile(file, 'utf8')) as BuildInfo
  const { evmVersion, optimizer } = input.settings
  return `solc ${solcVersion}, ${evmVersion}, optimizer ${optimizer.enabled ? optimizer.runs : 'off'}`
}

function runHardhat(...args: string[]): Promise<void> {
  const cli = join(dirname(createRequire(import.meta.url).resolve('hardhat')), 'cli.js')
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [cli, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve()
      else reject(new ArtifactError(`hardhat ${args.join(' ')} ended with ${code}:\n${output}`))
    })
  })
}

/** One compilation at a time on this machine. A lock left behind by a killed process is taken over after two minutes. */
async function withLock(work: () => Promise<void>): Promise<void> {
  await mkdir(join(root, 'cache'), { recursive: true })
  for (;;) {
    try {
      await mkdir(lock)
      break
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const age = await stat(lock).then(
        (entry) => Date.now() - entry.mtimeMs,
        () => 0,
      )
      if (age > 120_000) await rm(lock, { recursive: true, force: true })
      else await wait(100)
    }
  }
  try {
    await work()
  } finally {
    await rm(lock, { recursive: true, force: true })
  }
}
