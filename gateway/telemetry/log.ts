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
    serializers: { err: describeError },
    redact: { paths: secrets.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), remove: true },
  }
  return options.destination === undefined ? pino(settings) : pino(settings, options.destination)
}

/**
 * An error without what it may quote: the libraries below us put whole requests into their messages, with the signatures
 * in them and the address of the node, which may hold a key. Of a cause its name and code remain.
 */
function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error }
  const { name, message, stack = '' } = error
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {}
  return {
    type: name,
    message: withoutSecrets(message),
    ...code,
    stack: stack
      .split('\n')
      .filter((line) => /^\s+at /.test(line))
      .join('\n'),
    causes: causesOf(error),
  }
}

function causesOf(error: Error): string[] {
  const names: string[] = []
  for (let { cause } = error; cause instanceof Error && names.length < 8; cause = cause.cause)
    names.push('code' in cause ? `${cause.name} ${String(cause.code)}` : cause.name)
  return names
}

/** Anything longer than a hash is a signature or calldata; anything in a URL behind its host may be a key. */
function withoutSecrets(text: string): string {
  return text.replace(/0x[0-9a-fA-F]{65,}/g, '0x…').replace(/(https?:\/\/[^\s/"']+)[^\s"']*/g, '$1')
}

export declare namespace createLog {
  type Options = { level?: 'debug' | 'info' | 'warn' | 'error' | 'silent'; destination?: DestinationStream }
}
