import type { ConfigInput } from '../../gateway/config/define-config.ts'
import type { LocalChain } from '../local-chain.ts'

/** What the developer's stack sells: one route for everything that a route can do. */
export function devConfig(options: devConfig.Options): ConfigInput {
  const { chain, upstream, port, database } = options
  return {
    publicUrl: `http://127.0.0.1:${port}`,
    listen: { host: '127.0.0.1', port },
    secret: { env: 'FARTHING_SECRET' },
    database,
    chain: {
      id: chain.chainId,
      rpcUrl: chain.rpcUrl,
      relayerKey: { env: 'FARTHING_RELAYER_KEY' },
      startBlock: 0,
      pollMs: 250,
    },
    escrow: chain.escrow,
    tokens: {
      USD: { address: chain.token, decimals: 6, name: 'Test USD', version: '2' },
      DAI: { address: chain.token18, decimals: 18, name: 'Test Dai', version: '1', suggestedDeposit: '20' },
    },
    routes: [
      { path: '/countries', upstream, price: '0.002', description: 'Every country in the world' },
      { path: '/countries/:code', upstream, price: '0.001', description: 'One country by its code' },
      {
        method: 'POST',
        path: '/echo',
        upstream,
        price: '0.001',
        settle: 'before-call',
        description: 'Your request back',
      },
      { path: '/stream', upstream, price: '0.003', description: 'Server-sent events' },
      { path: '/large', upstream, price: '0.005', description: 'Many bytes' },
      {
        path: '/slow',
        upstream,
        price: '0.001',
        deadlineMs: 2_000,
        description: 'An upstream that takes its time',
      },
      { path: '/fail', upstream, price: '0.001', description: 'An upstream that fails: costs nothing' },
      {
        path: '/dai/:code',
        upstream,
        price: '12.5',
        token: 'DAI',
        rails: ['charge', 'channel'],
        description: 'Paid in 18 decimals',
      },
      {
        path: '/members',
        upstream,
        price: '0.001',
        gate: { standard: 'erc721', token: chain.nft, effect: 'required' },
        description: 'For holders of the test NFT',
      },
      {
        path: '/perks',
        upstream,
        price: '0.004',
        gate: { standard: 'erc721', token: chain.nft, effect: 'free' },
        description: 'Free for holders of the test NFT',
      },
      { path: '/free', upstream, price: '0', description: 'Free for everybody' },
    ],
    settlement: { threshold: '1', maxAgeSeconds: 600, everyMs: 1_000 },
  }
}

export declare namespace devConfig {
  type Options = { chain: LocalChain; upstream: string; port: number; database: string }
}
