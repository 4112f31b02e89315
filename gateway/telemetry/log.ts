import { type DestinationStream, type Logger, pino } from 'pino'

export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>

/** Never in a log: what pays, what signs in, what signs. */
const secrets = [
  'authorization',
  'signature',
  'voucherSignature',
  'credential',
  'token',
  'privateKey',
  'relayerKey',
  'secret',
  'raw',
  'settlement',
]

/** One JSON line an event, on standard output unless told otherwise. Members named like a secret are removed. */
export function createLog(options: createLog.Options = {}): Logger {
  const settings = {
    name: 'farthing',
    level: options.level ?? 'info',
    redact: { paths: secrets.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), remove: true },
  }
  return options.destination === undefined ? pino(settings) : pino(settings, options.destination)
}

export declare namespace createLog {
  type Options = { level?: 'debug' | 'info' | 'warn' | 'error' | 'silent'; destination?: DestinationStream }
}
