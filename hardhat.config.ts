import { createRequire } from 'node:module'
import keystore from '@nomicfoundation/hardhat-keystore'
import { configVariable, defineConfig } from 'hardhat/config'
import type { NetworkUserConfig } from 'hardhat/types/config'

// The compiler comes from npm, so that a build needs no download: the path is absolute because Hardhat
// hands it to a worker that has another working directory.
const solc = createRequire(import.meta.url).resolve('solc/soljson.js')

/** One public test network: its RPC address and the deployer's key come from the keystore or the environment. */
function testnet(name: string, chainId: number): NetworkUserConfig {
  const prefix = name.toUpperCase().replaceAll('-', '_')
  return {
    type: 'http',
    chainId,
    url: configVariable(`${prefix}_RPC_URL`),
    accounts: [configVariable('DEPLOYER_PRIVATE_KEY')],
  }
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
    'base-sepolia': testnet('base-sepolia', 84532),
    sepolia: testnet('sepolia', 11155111),
    'optimism-sepolia': testnet('optimism-sepolia', 11155420),
    'arbitrum-sepolia': testnet('arbitrum-sepolia', 421614),
    'polygon-amoy': testnet('polygon-amoy', 80002),
  },
  test: {
    solidity: {
      fsPermissions: { readFile: ['contracts/vectors/digests.json'] },
      fuzz: { runs: 256 },
      invariant: { runs: 32, depth: 64, failOnRevert: true },
    },
  },
})
