import { Command, InvalidArgumentError } from 'commander'
import { BaseError, createPublicClient, createWalletClient, http } from 'viem'
import { ArtifactError } from './deploy/artifacts.ts'
import { chooseNetwork } from './deploy/choose-network.ts'
import { DeployError } from './deploy/DeployError.ts'
import { deployToNetwork } from './deploy/deploy-to-network.ts'
import { networks, rpcVariable } from './deploy/networks.ts'
import { deployerAccount, rpcUrlFrom } from './deploy/secrets.ts'

type Flags = {
  network?: string
  rpcUrl?: string
  chainId?: number
  privateKeyEnv?: string
  confirmations?: number
  config?: string
  out?: string
}

const wholeNumber = (text: string): number => {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('It must be a whole number from 1.')
  return value
}

const command = new Command('deploy')
  .description(
    'Puts the channel escrow on a chain, at the address that follows from its code. Run again, it checks what is there.',
  )
  .option('--network <name>', `one of ${networks.map(({ name }) => name).join(', ')}, or of --config`)
  .option('--rpc-url <url>', 'RPC endpoint; else <NETWORK>_RPC_URL in the environment, else a public one')
  .option('--chain-id <id>', 'chain id, for a network that is not known by name', wholeNumber)
  .option(
    '--private-key-env <name>',
    'environment variable with the deployer’s key; else DEPLOYER_PRIVATE_KEY there or in the keystore',
  )
  .option('--confirmations <blocks>', 'blocks to wait for', wholeNumber)
  .option('--config <file>', 'JSON file with more networks')
  .option('--out <folder>', 'where the records are; else deployments/')
  .action(run)

try {
  await command.parseAsync()
} catch (error) {
  process.stderr.write(`${explain(error)}\n`)
  process.exitCode = 1
}

/** What is wrong and what to do. viem's long messages repeat the endpoint's address, which may hold a secret. */
function explain(error: unknown): string {
  if (error instanceof DeployError || error instanceof ArtifactError) return error.message
  if (error instanceof BaseError) {
    const root = error.walk()
    const detail = error.details || (root instanceof BaseError ? root.shortMessage : root.message)
    return `${error.shortMessage} ${detail}\nFix: check the RPC endpoint and run this again; nothing is deployed twice.`
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

async function run(flags: Flags): Promise<void> {
  const urlFromEnvironment = rpcUrlFrom(process.env, flags.network)
  const network = await chooseNetwork({
    name: flags.network,
    rpcUrl: flags.rpcUrl ?? urlFromEnvironment,
    chainId: flags.chainId,
    confirmations: flags.confirmations,
    file: flags.config,
  })
  const transport = http(network.rpcUrl)
  const { outcome, deployment, file } = await deployToNetwork({
    walletClient: async () =>
      createWalletClient({ transport, account: await deployerAccount(process.env, flags.privateKeyEnv) }),
    publicClient: createPublicClient({ transport }),
    chainId: network.chainId,
    confirmations: network.confirmations,
    now: Date.now,
    folder: flags.out,
  })
  const { address, transaction, block } = deployment
  const said = {
    deployed: `Deployed the escrow to ${address} on ${network.name} in ${transaction}, block ${block}.`,
    found: `Found the escrow at ${address} on ${network.name}; its code is the one compiled here.`,
    recorded: `The escrow recorded for ${network.name} is at ${address}; its code is the one compiled here.`,
  }[outcome]
  process.stdout.write(`${said}\n`)
  if (file !== undefined) process.stdout.write(`Recorded in ${file}.\n`)
  // An address from the environment may hold a secret, so it is named, not printed.
  const isNamed = flags.rpcUrl === undefined && urlFromEnvironment !== undefined
  const rpcUrl = isNamed ? `{ env: ${rpcVariable(network.name)} }` : network.rpcUrl
  process.stdout.write(`
For the gateway's configuration (farthing.config.yaml):

chain:
  id: ${network.chainId}
  rpcUrl: ${rpcUrl}
  confirmations: ${network.confirmations}${block === null ? '' : `\n  startBlock: ${block}`}
escrow: '${address}'
`)
}
