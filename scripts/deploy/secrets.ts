import { isHex } from 'viem'
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { DeployError } from './DeployError.ts'
import { keyVariable, rpcVariable } from './networks.ts'

/**
 * The deployer's account: from the environment variable named; else from `DEPLOYER_PRIVATE_KEY` in the environment or in
 * Hardhat's encrypted keystore, which asks for its password on the terminal. The key is never printed or stored.
 *
 * @throws DeployError when there is no key, or it is not one.
 */
export async function deployerAccount(
  environment: Record<string, string | undefined>,
  variable: string | undefined,
): Promise<PrivateKeyAccount> {
  const name = variable ?? keyVariable
  const value = environment[name] ?? (variable === undefined ? await fromKeystore() : undefined)
  if (value === undefined) {
    throw new DeployError(
      `There is no private key in ${name}.`,
      `npx hardhat keystore set ${keyVariable}, or set the variable in the environment`,
    )
  }
  const key = value.startsWith('0x') ? value : `0x${value}`
  if (!isHex(key) || key.length !== 66) {
    throw new DeployError(`What ${name} holds is not a private key of 32 bytes in hex.`, 'set it again')
  }
  return privateKeyToAccount(key)
}

/** A network's RPC address from `<NETWORK>_RPC_URL` in the environment, if it is set there. */
export function rpcUrlFrom(
  environment: Record<string, string | undefined>,
  network: string | undefined,
): string | undefined {
  return network === undefined ? undefined : environment[rpcVariable(network)]
}

async function fromKeystore(): Promise<string | undefined> {
  // Hardhat finds its configuration from the working directory, which `./run` sets; so only the command asks this.
  const { default: hre } = await import('hardhat')
  const network = Object.values(hre.config.networks).find((config) => config.type === 'http')
  if (network === undefined || !Array.isArray(network.accounts)) return undefined
  const [key] = network.accounts
  try {
    return await key?.getHexString()
  } catch (cause) {
    const [reason] = (cause instanceof Error ? cause.message : String(cause)).split('\n')
    throw new DeployError(
      `There is no private key in ${keyVariable}. ${reason}`,
      `npx hardhat keystore set ${keyVariable}, or set the variable in the environment`,
      { cause },
    )
  }
}
