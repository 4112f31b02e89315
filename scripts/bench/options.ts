import { parseArgs } from 'node:util'

/** What was asked for on the command line. Times in milliseconds. */
export type Options = {
  json: boolean
  /** Rows to measure. */
  only: RegExp
  rounds: number
  warmMs: number
  measureMs: number
  connections: number
  /** Say where the time goes. */
  profile: boolean
  /** Measure what is added to the time of a call at half load. */
  latency: boolean
  /** Measure ledgers that have grown. */
  growth: boolean
  /** Past calls in the largest of them. */
  past: number
  /** Measure what idle channels take of the heap. */
  memory: boolean
  /** Only whether it works: nothing is waited for. */
  quick: boolean
  /** Put what was found into the document. */
  write: boolean
}

const integer = (name: string, text: string, least: number) => {
  const value = Number(text)
  if (Number.isInteger(value) && value >= least) return value
  throw new UsageError(`--${name} ${JSON.stringify(text)} is not a number of at least ${least}.`)
}

/** Reads the command line. @throws {UsageError} */
export function readOptions(args: readonly string[]): Options {
  const { values } = parse(args)
  const { quick, profile } = values
  const number = (
    name: 'rounds' | 'warm' | 'measure' | 'connections',
    usual: number,
    hasty: number,
    least: number,
  ) => integer(name, values[name] ?? String(quick ? hasty : usual), least)
  const only = pattern(values.only)
  if (quick && values.write)
    throw new UsageError('--write keeps what was found; --quick finds nothing worth it.')
  return {
    write: values.write,
    profile,
    latency: !profile && only.test('latency'),
    quick,
    memory: !profile && only.test('memory'),
    growth: !profile && only.test('growth'),
    past: integer('past', values.past ?? String(quick ? 2_000 : 10_000_000), 1_000),
    json: values.json,
    only,
    rounds: number('rounds', profile ? 1 : 5, 1, 1),
    warmMs: number('warm', 15_000, 200, 0),
    measureMs: number('measure', 5_000, 300, 100),
    connections: number('connections', 64, 4, 1),
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        json: { type: 'boolean', default: false },
        only: { type: 'string', default: '' },
        rounds: { type: 'string' },
        warm: { type: 'string' },
        measure: { type: 'string' },
        connections: { type: 'string' },
        profile: { type: 'boolean', default: false },
        past: { type: 'string' },
        write: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function pattern(text: string): RegExp {
  try {
    return new RegExp(text)
  } catch {
    throw new UsageError(`--only ${JSON.stringify(text)} is not a regular expression.`)
  }
}

/** The command line says something that cannot be done. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
