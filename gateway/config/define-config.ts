import type * as z from 'zod'
import type { schema } from './schema.ts'

/** The configuration as a seller writes it. */
export type ConfigInput = z.input<typeof schema>

/**
 * Gives a configuration file its types:
 *
 * ```ts
 * export default defineConfig({ publicUrl: 'https://api.example.com', … })
 * ```
 */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config
}

/** Names an environment variable instead of a value: the only way to give a secret. */
export function env(name: string): { env: string } {
  return { env: name }
}
