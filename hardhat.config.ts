import { createRequire } from 'node:module'
import keystore from '@nomicfoundation/hardhat-keystore'
import { configVariable, defineConfig } from 'hardhat/config'
import type { NetworkUserConfig } from 'hardhat/types/config'
import { keyVariable, type Network, networks, rpcVariable } from './scripts/deploy/networks.ts'

// The compiler comes from npm, so that a build needs no download: the path is absolute because Hardhat
// hands it to a worker that has another working directory.
const solc = createRequire(import.meta.url).resolve('solc/soljson.js')

/** One public test network: its RPC address and the deployer's key come from the keystore or the environment. */
function http({ name, chainId, rpcUrl }: Network): [string, NetworkUserConfig] {
  const url = configVariable(rpcVariable(name), { default: rpcUrl })
  return [name, { type: 'http', chainId, url, accounts: [configVariable(keyVariable)] }]
}

export default defineConfig({
  plugins: [keystore],
  paths: {
    sources: './contracts',
    tests: { solidity: './test/contracts' },
  },
  solidity: {
    version: '0.8.37',
    path: solc,
    // Tests are a compilation of their own: `hardhat build --no-tests` then stays quick for dev and deploy.
    splitTestsCompilation: true,
    settings: {
      evmVersion: 'cancun',
      optimizer: { enabled: true, runs: 1_000_000 },
      // Without the metadata hash the bytecode, and so the CREATE2 address, follows from the code alone:
      // neither a comment nor the path of a checkout changes it.
      metadata: { bytecodeHash: 'none' },
    },
  },
  networks: {
    default: { type: 'edr-simulated', chainType: 'l1', chainId: 31337 },
    // A second local chain that answers as Base Sepolia: deployment is rehearsed on it.
    rehearsal: { type: 'edr-simulated', chainType: 'l1', chainId: 84532 },
    ...Object.fromEntries(networks.map(http)),
  },
  test: {
    solidity: {
      fsPermissions: { readFile: ['contracts/vectors/digests.json'] },
      // Enough for the largest test, and little enough that a contract that burns all it gets comes to an end.
      gasLimit: 1_000_000_000n,
      fuzz: { runs: 256 },
      invariant: { runs: 32, depth: 64, failOnRevert: true },
    },
  },
})
