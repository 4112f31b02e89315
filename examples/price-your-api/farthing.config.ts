import { defineConfig, env } from '../../gateway/config/define-config.ts'

/** Sells two calls of an API that runs on port 3000, for USDC on Base Sepolia. */
export default defineConfig({
  publicUrl: 'http://127.0.0.1:8402',
  secret: env('FARTHING_SECRET'),
  chain: {
    id: 84532,
    rpcUrl: env('FARTHING_RPC_URL'),
    relayerKey: env('FARTHING_RELAYER_KEY'),
    startBlock: 0,
  },
  escrow: '0x0000000000000000000000000000000000000001', // what `./run deploy --network base-sepolia` printed
  tokens: {
    USDC: { address: '0x036CbD53842c5426634e7929541eC2318f3dCF7e', decimals: 6, name: 'USDC', version: '2' },
  },
  routes: [
    {
      path: '/weather/:city',
      upstream: 'http://127.0.0.1:3000',
      price: '0.001',
      description: 'Weather of a city',
    },
    {
      method: 'POST',
      path: '/forecast',
      upstream: 'http://127.0.0.1:3000',
      price: '0.02',
      rails: ['charge', 'channel'],
    },
  ],
})
