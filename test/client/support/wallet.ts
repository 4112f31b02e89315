import { privateKeyToAccount } from 'viem/accounts'
import type { Signer } from '../../../client/index.ts'

/** A throwaway key, known to everybody. */
export const privateKey = '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d'

/** An account that counts what it signs: a refusal must leave the count at zero. */
export function countingAccount(): Signer & { signatures: () => number } {
  const account = privateKeyToAccount(privateKey)
  let count = 0
  return {
    address: account.address,
    signTypedData: (parameters) => {
      count++
      return account.signTypedData(parameters)
    },
    signMessage: (parameters) => {
      count++
      return account.signMessage(parameters)
    },
    signatures: () => count,
  }
}

/** A clock that stands still, and whose waits take no time. */
export function stillClock(start = Date.parse('2026-06-01T12:00:00Z')) {
  const waits: number[] = []
  let now = start
  return {
    now: () => now,
    wait: async (milliseconds: number) => {
      waits.push(milliseconds)
      now += milliseconds
    },
    advance: (milliseconds: number) => {
      now += milliseconds
    },
    waits,
  }
}
