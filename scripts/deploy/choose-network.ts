import { readFile } from 'node:fs/promises'
import { DeployError } from './DeployError.ts'
import { type Network, networks } from './networks.ts'

/**
 * Finds the chain that is meant: one of the known test networks, one from a file of more of them, or one described by
 * `--chain-id` and `--rpc-url`. What is said on the command line goes before what is known.
 *
 * @throws DeployError when the name is unknown or something is missing.
 */
export async function chooseNetwork(options: chooseNetwork.Options): Promise<Network> {
  const { name, rpcUrl, chainId, confirmations, file } = options
  const known = [...(file === undefined ? [] : await readNetworks(file)), ...networks]
  const chosen = known.find((network) => network.name === name)
  if (name !== undefined && chosen === undefined && (chainId === undefined || rpcUrl === undefined)) {
    throw new DeployError(
      `Network "${name}" is not known; known are ${known.map((network) => network.name).join(', ')}.`,
      'name one of them, describe it in a file given with --config, or give --chain-id and --rpc-url',
    )
  }
  const network = {
    name: name ?? `chain ${chainId}`,
    chainId: chainId ?? chosen?.chainId,
    rpcUrl: rpcUrl ?? chosen?.rpcUrl,
    confirmations: confirmations ?? chosen?.confirmations ?? 3,
  }
  if (network.chainId === undefined || network.rpcUrl === undefined) {
    throw new DeployError('No network is named.', 'give --network NAME, or --chain-id and --rpc-url')
  }
  return { ...network, chainId: network.chainId, rpcUrl: network.rpcUrl }
}

/** Reads `{ "name": { "chainId": 1, "rpcUrl": "https://…", "confirmations": 3 } }`. */
async function readNetworks(file: string): Promise<Network[]> {
  const refuse = (problem: string) =>
    new DeployError(
      `${file} ${problem}.`,
      'write { "my-chain": { "chainId": 1234, "rpcUrl": "https://…", "confirmations": 3 } }',
    )
  let entries: Record<string, Partial<Network>>
  try {
    entries = JSON.parse(await readFile(file, 'utf8')) as Record<string, Partial<Network>>
  } catch (cause) {
    throw refuse(`cannot be read as JSON (${cause instanceof Error ? cause.message : String(cause)})`)
  }
  return Object.entries(entries).map(([name, { chainId, rpcUrl, confirmations = 3 }]) => {
    if (
      !Number.isSafeInteger(chainId) ||
      typeof rpcUrl !== 'string' ||
      !Number.isSafeInteger(confirmations)
    ) {
      throw refuse(
        `has an entry "${name}" without a numeric chainId, a text rpcUrl or a numeric confirmations`,
      )
    }
    return { name, chainId: Number(chainId), rpcUrl, confirmations }
  })
}

export declare namespace chooseNetwork {
  type Options = {
    name?: string | undefined
    rpcUrl?: string | undefined
    chainId?: number | undefined
    confirmations?: number | undefined
    /** A JSON file with more networks. */
    file?: string | undefined
  }
}
