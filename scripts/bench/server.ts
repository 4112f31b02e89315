import { type Child, start } from './Child.ts'

/** Arguments to node that put the probe into a server. */
export const probing = ['--expose-gc', '--import', './scripts/bench/probe.ts'] as const

/** Starts one of the harness's own servers, a file in `scripts/bench/`, on the server's core; it says `ready`. */
export function startServer(
  file: string,
  parameters: readonly (string | number)[],
  options: { probe: boolean },
): Promise<Child> {
  const command = [
    process.execPath,
    ...(options.probe ? probing : []),
    `scripts/bench/${file}`,
    ...parameters.map(String),
  ]
  return start('server', command, (line) => (line === 'ready' ? true : null), { probe: options.probe })
}
