import type { Log } from '../../gateway/telemetry/log.ts'

/** A log that says each event in one short line, without anything that differs between two runs. */
export function silentLog(say: (text: string) => void): Log {
  const write = (level: string) => (details: unknown, event?: string) => {
    if (typeof details !== 'object' || details === null) return say(`${level} ${String(details)}`)
    const parts = Object.entries(details).map(([name, value]) => `${name}=${short(value)}`)
    say(`${level} ${event ?? ''} ${parts.join(' ')}`)
  }
  return { debug: () => {}, info: write('info'), warn: write('warn'), error: write('error') }
}

function short(value: unknown): string {
  if (value instanceof Error) return `${value.name}(${value.message.slice(0, 160)})`
  if (Array.isArray(value)) return value.map(short).join(',')
  const text = String(value)
  return text.startsWith('0x') ? text.slice(0, 12) : text.slice(0, 160)
}
