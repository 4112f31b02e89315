import { readFile } from 'node:fs/promises'
import { extname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parse as parseYaml } from 'yaml'
import * as Config from './Config.ts'

const names = ['farthing.config.ts', 'farthing.config.json', 'farthing.config.yaml', 'farthing.config.yml']

/**
 * Reads the configuration file: the one named, or the first of `farthing.config.{ts,json,yaml,yml}` in `directory`.
 * The only reader of the process's environment.
 * @throws {Config.ConfigError} missing, unreadable, or not usable.
 */
export async function loadConfig(
  file?: string,
  directory: string = process.cwd(),
  environment: Record<string, string | undefined> = process.env,
): Promise<Config.Config> {
  const candidates = file === undefined ? names : [file]
  for (const name of candidates) {
    const path = resolve(directory, name)
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null
      throw new Config.ConfigError([`${name}: cannot be read (${error.code}).`])
    })
    if (text !== null) return Config.parse(await evaluate(path, text), environment)
  }
  throw new Config.ConfigError([
    `${candidates.join(', ')}: not found in ${directory}. Fix: write one, or name it with --config.`,
  ])
}

async function evaluate(path: string, text: string): Promise<unknown> {
  try {
    const extension = extname(path)
    if (extension === '.json') return JSON.parse(text)
    if (extension === '.yaml' || extension === '.yml') return parseYaml(text, { maxAliasCount: 0 })
    const module: { default?: unknown } = await import(pathToFileURL(path).href)
    if (module.default === undefined)
      throw new Error('has no default export. Fix: export default defineConfig({ … })')
    return module.default
  } catch (error) {
    throw new Config.ConfigError([`${path}: ${error instanceof Error ? error.message : String(error)}`])
  }
}
