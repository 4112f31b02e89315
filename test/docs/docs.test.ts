import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { configReference } from '../../scripts/docs/config-reference.ts'
import { readmeWith, transcript } from '../../scripts/docs/transcript.ts'

/** What the documents say is what the code does: both are made from it, and compared here. */

const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8')

describe('docs/configuration.md', () => {
  test('default: is what the schema says; mend it with `node scripts/docs/config-reference.ts`', async () => {
    expect(await read('docs/configuration.md')).toBe(configReference())
  })

  test('behavior: every key has a description', () => {
    expect(configReference()).not.toMatch(/^\| `[^`]+` \|\s+\|/m)
  })
})

describe('README.md', () => {
  test('default: its transcript is that of a call; mend it with `node scripts/docs/transcript.ts`', async () => {
    expect(await read('README.md')).toBe(await readmeWith(await transcript()))
  })

  test('behavior: every file that it links to exists', async () => {
    const links = [...(await read('README.md')).matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(
      (match) => match[1] ?? '',
    )
    expect(links.length).toBeGreaterThan(5)
    for (const link of links.filter((path) => /\.\w+$/.test(path)))
      await expect(read(link)).resolves.toBeTruthy()
  })
})
