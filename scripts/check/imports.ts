import { blank, lineAt } from './source.ts'

/** One module that a file depends on. */
export type Import = {
  specifier: string
  line: number
  /** Nothing of it is left when the program runs. */
  typeOnly: boolean
}

const before = String.raw`(?<![\w$.])`
const quoted = (name: string) => String.raw`(?<${name}Quote>['"])(?<${name}>[^'"\n]*)\k<${name}Quote>`
const statement = new RegExp(
  [
    String.raw`${before}(?:import|export)(?<type>\s+type(?=[\s{*]))?(?<clause>[\s\w$*{},]*?)(?<![\w$])from\s*${quoted('from')}`,
    String.raw`${before}import\s*${quoted('bare')}`,
    String.raw`${before}(?:import|require)\s*\(\s*${quoted('dynamic')}`,
  ].join('|'),
  'g',
)

/** Every import, re-export, `import()` and `require()` of a TypeScript file with a literal name. */
export function importsOf(text: string): Import[] {
  const { code, words } = blank(text)
  const imports: Import[] = []
  for (const match of code.matchAll(statement)) {
    // A string that contains the word is blank in `words`: a real statement begins with its keyword in both.
    if (!/^(?:import|export|require)/.test(words.slice(match.index, match.index + 7))) continue
    const groups = match.groups ?? {}
    const clause = groups.clause ?? ''
    imports.push({
      specifier: groups.from ?? groups.bare ?? groups.dynamic ?? '',
      line: lineAt(text, match.index),
      typeOnly:
        groups.from !== undefined &&
        ((groups.type !== undefined && clause.trim() !== '') || namesOnlyTypes(clause)),
    })
  }
  return imports
}

/** `{ type A, type B }`: each name is a type. */
function namesOnlyTypes(clause: string): boolean {
  const list = /^\s*\{(?<names>[^}]*)\}\s*$/.exec(clause)?.groups?.names
  const names = (list ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  return names.length > 0 && names.every((name) => /^type\s/.test(name))
}
