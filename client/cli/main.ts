#!/usr/bin/env node
import { CommanderError } from 'commander'
import { plain } from '../plain.ts'
import { exitCodeOf } from './exit-code.ts'
import { note } from './output.ts'
import { makeProgram } from './program.ts'

const program = makeProgram((code) => {
  process.exitCode = code
})
try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = exitCodeOf(error)
  if (!(error instanceof CommanderError)) note(describe(error))
}

/** The message, and fetch's reason where there is one. Text of a stranger may be in it. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'farthing: something went wrong.'
  const cause = error.cause instanceof Error && error instanceof TypeError ? ` (${error.cause.message})` : ''
  return `farthing: ${plain(`${error.message}${cause}`, 1_000)}`
}
