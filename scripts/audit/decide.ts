import { systemClock } from '../../gateway/clock.ts'
import type { Config } from '../../gateway/config/Config.ts'
import { createGateway } from '../../gateway/gateway.ts'
import { createLog } from '../../gateway/telemetry/log.ts'
import { acceptRestored } from './accept-restored.ts'

/** What an operator decides about what an audit found. */
export type Decision = { acceptRestored: boolean; accept: readonly string[] }

/** Writes an operator's decisions into the books and their trail. Returns a line about each. */
export async function decide(config: Config, decision: Decision): Promise<string[]> {
  const gateway = await createGateway({ config, log: createLog({ level: 'silent' }) })
  try {
    const { ledger, chain } = gateway.deps
    const lines: string[] = []
    for (const subject of decision.accept) {
      await ledger.note({ kind: 'difference-accepted', subject: subject.toLowerCase() })
      lines.push(`Accepted: ${subject} is no drift to the scheduled audit any more.`)
    }
    if (decision.acceptRestored) {
      const tokens = [...config.tokens.values()].map(({ address }) => address)
      const fromBlock = BigInt(config.chain.startBlock)
      const done = await acceptRestored({ ledger, chain, tokens, fromBlock, clock: systemClock })
      for (const id of done.channels) lines.push(`Accepted: channel ${id} takes vouchers again.`)
      for (const id of done.charges) lines.push(`Accepted: payment ${id}.`)
      if (lines.length === 0) lines.push('There was nothing to accept: no channel is suspended.')
    }
    return lines
  } finally {
    await gateway.stop()
  }
}
