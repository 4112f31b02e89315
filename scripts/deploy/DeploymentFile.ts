import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Address, type Hash, type Hex, isAddress, isHex } from 'viem'
import { DeployError } from './DeployError.ts'

/** What `deployments/<chainId>.json` says of an escrow. The chain is right where they disagree. */
export type DeploymentFile = {
  chainId: number
  address: Address
  /** The transaction that deployed it, and its block; `null` when the escrow was found, not deployed. */
  transaction: Hash | null
  block: number | null
  deployer: Address | null
  /** Compiler version and settings. */
  compiler: string
  /** keccak256 of the init code. */
  bytecodeHash: Hex
  /** CREATE2 salt. */
  salt: Hex
  /** ISO 8601: when it was deployed or found. */
  deployedAt: string
}

/** Where the files are when nothing else is said. */
export const defaultFolder: string = fileURLToPath(new URL('../../deployments/', import.meta.url))

/**
 * Reads the file of a chain; `undefined` when there is none.
 *
 * @throws DeployError when it is there and not usable.
 */
export async function read(
  chainId: number,
  folder: string = defaultFolder,
): Promise<DeploymentFile | undefined> {
  const path = pathOf(chainId, folder)
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined) return undefined
  const found = parse(text)
  if (found === undefined || found.chainId !== chainId) {
    throw new DeployError(
      `${path} is not a deployment of chain ${chainId}.`,
      'restore it from version control, or remove it: the escrow is found again by its address',
    )
  }
  return found
}

/** Writes the file of a chain, whole or not at all, and returns its path. */
export async function write(deployment: DeploymentFile, folder: string = defaultFolder): Promise<string> {
  await mkdir(folder, { recursive: true })
  const path = pathOf(deployment.chainId, folder)
  await writeFile(`${path}.new`, `${JSON.stringify(deployment, null, 2)}\n`)
  await rename(`${path}.new`, path)
  return path
}

function pathOf(chainId: number, folder: string): string {
  return join(folder, `${chainId}.json`)
}

function parse(text: string): DeploymentFile | undefined {
  try {
    const value = JSON.parse(text) as DeploymentFile
    const usable =
      isAddress(value.address, { strict: false }) && isHex(value.bytecodeHash) && isHex(value.salt)
    return usable ? value : undefined
  } catch {
    return undefined
  }
}
