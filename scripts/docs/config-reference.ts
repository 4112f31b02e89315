import { writeFile } from 'node:fs/promises'
import * as z from 'zod'
import { schema } from '../../gateway/config/schema.ts'

/** Writes `docs/configuration.md` from the schema that checks the configuration, so that the two cannot differ. */

type JsonSchema = {
  type?: string | string[]
  description?: string
  default?: unknown
  enum?: unknown[]
  const?: unknown
  anyOf?: JsonSchema[]
  properties?: Record<string, JsonSchema>
  required?: string[]
  items?: JsonSchema
  additionalProperties?: JsonSchema | boolean
}

const head = `# Configuration

Generated from the schema by \`node scripts/docs/config-reference.ts\`; do not edit.

The gateway reads \`farthing.config.ts\`, \`.json\`, \`.yaml\` or \`.yml\` from the folder it is started in, or the file named
by \`--config\`. It checks everything before it listens, says every complaint at once with the key and the fix, and does not
start with a configuration that it does not understand. Secrets are never in the file: \`env("NAME")\` in TypeScript, or
\`{"env": "NAME"}\` in JSON and YAML, names the environment variable that holds one. Amounts are decimal text in the token's
own unit.

| Key | What it is | Kind | When left out |
|---|---|---|---|
`

/** The reference as it should stand in the file. */
export function configReference(): string {
  const root = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema
  return `${head}${rows(root, '').join('\n')}\n`
}

function rows(node: JsonSchema, path: string): string[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, value]) => {
    const name = path === '' ? key : `${path}.${key}`
    const required = node.required?.includes(key) ?? false
    const own = `| \`${name}\` | ${cell(value.description ?? '')} | ${cell(kind(value))} | ${cell(fallback(value, required))} |`
    const [below, suffix] = inside(value)
    return [own, ...(below === null ? [] : rows(below, name + suffix))]
  })
}

function inside(node: JsonSchema): [JsonSchema | null, string] {
  if (node.items?.properties !== undefined && !('env' in node.items.properties)) return [node.items, '[]']
  if (typeof node.additionalProperties === 'object' && node.additionalProperties.properties !== undefined)
    return [node.additionalProperties, '.SYMBOL']
  return node.properties === undefined || 'env' in node.properties ? [null, ''] : [node, '']
}

function kind(node: JsonSchema): string {
  if (node.enum !== undefined) return node.enum.map((value) => `\`${value}\``).join(', ')
  if (node.const !== undefined) return `\`${node.const}\``
  if (node.anyOf !== undefined) return node.anyOf.map(kind).join(' or ')
  if (node.properties !== undefined) return 'env' in node.properties ? '`env("NAME")`' : 'object'
  if (node.items !== undefined) return `list of ${kind(node.items)}`
  if (node.additionalProperties !== undefined) return 'object by symbol'
  return String(node.type ?? 'value')
}

function fallback(node: JsonSchema, required: boolean): string {
  if (required) return '**required**'
  return node.default === undefined ? '–' : `\`${JSON.stringify(node.default)}\``
}

const cell = (text: string) => text.replaceAll('|', '\\|')

if (import.meta.main)
  await writeFile(new URL('../../docs/configuration.md', import.meta.url), configReference())
