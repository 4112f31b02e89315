import { createHash } from 'node:crypto'
import type { Config } from './config/Config.ts'
import type { Keys } from './keys.ts'
import type { Ledger } from './ledger/Ledger.ts'

/** Says in the trail that a gateway starts, with which configuration, and whether its secret was changed since the last. */
export async function noteStart(
  ledger: Pick<Ledger, 'note' | 'notes'>,
  config: Config,
  keys: Keys,
): Promise<void> {
  const { x } = keys.receipt.publicKey
  const [last] = await ledger.notes('gateway-started')
  const before = last?.body.receiptKey
  if (typeof before === 'string' && before !== x)
    await ledger.note({
      kind: 'secret-rotated',
      body: { from: before, to: x, honoured: keys.receipt.previous.some((key) => key.x === before) },
    })
  await ledger.note({ kind: 'gateway-started', body: { config: configDigest(config), receiptKey: x } })
}

/** Digest of everything in the configuration but its secrets: two starts with the same one were configured alike. */
export function configDigest(config: Config): string {
  const { secret: _, previousSecrets: __, chain, ...open } = config
  const { relayerKey: ___, relayers: ____, rpcUrl: _____, ...rest } = chain
  const text = JSON.stringify({ ...open, chain: rest }, (_name, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value instanceof Map ? [...value] : value,
  )
  return createHash('sha256').update(text).digest('hex')
}
