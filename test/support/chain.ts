export { type LocalChain, startChain } from '../../scripts/local-chain.ts'
