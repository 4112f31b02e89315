import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { importsOf } from '../../scripts/check/imports.ts'
import { blank, lineAt } from '../../scripts/check/source.ts'

const specifiers = (text: string) => importsOf(text).map(({ specifier }) => specifier)

describe('importsOf', () => {
  test('default: every form of import, with its line', () => {
    const text = `import a from './a.ts'
import * as b from "./b.ts"
import { c, type C } from './c.ts'
import type { D } from './d.ts'
import {
  type E,
  type F,
} from './e.ts'
import './g.ts'
export { h } from './h.ts'
export * from './i.ts'
export type * from './j.ts'
const k = await import('./k.ts')
const l = require('./l.ts')
type M = import('./m.ts').M
import n, { o as p } from 'n'
import type Q from './q.ts'
import type from './r.ts'
`
    expect(
      importsOf(text).map(
        ({ specifier, line, typeOnly }) => `${line} ${specifier}${typeOnly ? ' type' : ''}`,
      ),
    ).toEqual([
      '1 ./a.ts',
      '2 ./b.ts',
      '3 ./c.ts',
      '4 ./d.ts type',
      '5 ./e.ts type',
      '9 ./g.ts',
      '10 ./h.ts',
      '11 ./i.ts',
      '12 ./j.ts type',
      '13 ./k.ts',
      '14 ./l.ts',
      '15 ./m.ts',
      '16 n',
      '17 ./q.ts type',
      '18 ./r.ts',
    ])
  })

  test('behavior: what only looks like an import is none', () => {
    const text = [
      "// import a from './a.ts'",
      "/* import b from './b.ts' */ const x = 1",
      `const s = "import c from './c.ts'"`,
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the string is code
      "const t = `\nimport d from './d.ts'\n${1}import './e.ts'`",
      "const re = /import f from '.\\/f.ts'/",
      "object.import('./g.ts')",
      "Array.from('./h.ts')",
      "export const from = 'i'",
      "const it = 'don\\'t' // import './j.ts'",
    ].join('\n')
    expect(specifiers(text)).toEqual([])
  })

  test('behavior: an import inside a template’s expression is one, and code goes on after it', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the string is code
    expect(specifiers("const a = `x${await import('./a.ts')}y${`${1}`}`\nimport './b.ts'")).toEqual([
      './a.ts',
      './b.ts',
    ])
  })

  test('behavior: quotes in a regular expression do not open a string', () => {
    expect(specifiers(`const a = /['"\`]/.test(b)\nreturn /[/'"]/g\nimport './b.ts'`)).toEqual(['./b.ts'])
    expect(specifiers("const half = (a + b) / 2 // it's\nimport './c.ts'\nconst d = e / f / g")).toEqual([
      './c.ts',
    ])
  })

  test('error: none, whatever the text; and each character keeps its place', () => {
    const piece = fc.constantFrom(
      "'",
      '"',
      '`',
      '${',
      '}',
      '{',
      '/',
      '//',
      '/*',
      '*/',
      '\\',
      '\n',
      'import ',
      "from './x.ts'",
      '(',
      ')',
      'a',
      '😀',
      ' ',
    )
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 30 }).map((parts) => parts.join('')),
        (text) => {
          const { code, words } = blank(text)
          expect([code.length, words.length]).toEqual([text.length, text.length])
          expect(words.match(/\n/g)).toEqual(text.match(/\n/g))
          importsOf(text)
        },
      ),
      { numRuns: 3000 },
    )
  })
})

test('lineAt: counts from one', () => {
  expect([0, 1, 2, 3].map((index) => lineAt('a\nb\nc', index))).toEqual([1, 1, 2, 2])
})
