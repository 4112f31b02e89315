import { stripVTControlCharacters } from 'node:util'
import * as z from 'zod'

/** What a runner counted. */
export type Tally = { passed: number; failed: number }

export const noTests: Tally = { passed: 0, failed: 0 }

const vitestReport = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  testResults: z.array(z.object({ status: z.string(), assertionResults: z.array(z.unknown()) })),
})

/** Reads vitest's JSON report. A file that could not be loaded has no test of its own and counts as one that failed. */
export function countVitest(report: string): Tally {
  let json: unknown
  try {
    json = JSON.parse(report)
  } catch {
    return noTests
  }
  const { success, data } = vitestReport.safeParse(json)
  if (!success) return noTests
  const unloaded = data.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  )
  return { passed: data.numPassedTests, failed: data.numFailedTests + unloaded.length }
}

/** Reads the last lines of `hardhat test`: `12 passing`, `1 failing`. */
export function countSolidity(output: string): Tally {
  const plain = stripVTControlCharacters(output)
  return { passed: lastCount(plain, 'passing'), failed: lastCount(plain, 'failing') }
}

function lastCount(output: string, word: string): number {
  const last = [...output.matchAll(new RegExp(`^\\s*(\\d+) ${word}\\b`, 'gm'))].at(-1)
  return Number(last?.[1] ?? 0)
}
