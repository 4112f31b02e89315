import { type Hex, hexToBytes } from 'viem'

/**
 * What of a transaction's gas the EVM used, from the first instruction of the call to its last: all of it less what any
 * transaction pays before (21,000, and 4 or 16 for each byte of calldata). A transaction starts cold, so every storage
 * slot and every address but the sender, the callee and the precompiles is paid for as cold. That is the number a Foundry
 * gas snapshot of the call states, if the state before it was committed by other transactions.
 */
export function executionGas(gasUsed: bigint, input: Hex): number {
  const calldata = hexToBytes(input).reduce((sum, byte) => sum + (byte === 0 ? 4 : 16), 0)
  return Number(gasUsed) - 21_000 - calldata
}

/** The same as the chain's own trace has it: the gas at the first instruction less what is left after the last. */
export function tracedGas(steps: readonly { gas: number; gasCost: number }[]): number {
  const [first, last] = [steps[0], steps.at(-1)]
  if (first === undefined || last === undefined) throw new Error('The trace has no steps.')
  return first.gas - (last.gas - last.gasCost)
}
