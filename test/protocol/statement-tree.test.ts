import { createHash, hash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import * as StatementTree from '../../gateway/protocol/StatementTree.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('base64url')
const statements = (count: number) => Array.from({ length: count }, (_, index) => `head.claims${index}`)

describe('grow', () => {
  test('default: every statement leads to the one root, whatever their number', () => {
    for (let count = 1; count <= 33; count++) {
      const all = statements(count)
      const { root, paths } = StatementTree.grow(all)
      for (const [index, statement] of all.entries())
        expect(StatementTree.rootOf(statement, paths[index] ?? ''), `${index} of ${count}`).toBe(root)
    }
  })

  test('default: the tree of three, by hand', () => {
    const [a = '', b = '', c = ''] = statements(3).map((statement) => sha256(`\x00${statement}`))
    const ab = sha256(`\x01${a}${b}`)
    expect(StatementTree.grow(statements(3))).toEqual({
      root: `\x02${sha256(`\x01${ab}${c}`)}`,
      paths: [`R${b}R${c}`, `L${a}R${c}`, `L${ab}`],
    })
  })

  test('behavior: another SHA-256 gives the same tree', () => {
    const native = (text: string) => hash('sha256', text, 'base64url')
    expect(StatementTree.grow(statements(9), native)).toEqual(StatementTree.grow(statements(9)))
  })
})

describe('rootOf', () => {
  const all = statements(5)
  const { root, paths } = StatementTree.grow(all)
  const [path = ''] = paths

  test.each([
    ['another statement', 'head.claims9', path],
    ['the path of its neighbour', 'head.claims0', paths[1] ?? ''],
    ['a side exchanged', 'head.claims0', `L${path.slice(1)}`],
    ['the last step left out', 'head.claims0', path.slice(0, -44)],
    ['a step too many', 'head.claims0', path + path.slice(0, 44)],
    ['no path', 'head.claims0', ''],
  ])('error: %s leads elsewhere', (_name, statement, other) => {
    expect(StatementTree.rootOf(statement, other)).not.toBe(root)
  })

  test('error: two hashes are no statement, though they hash to what stands above them', () => {
    const [left, right] = [sha256('\x00head.claims0'), sha256('\x00head.claims1')]
    expect(StatementTree.rootOf(`${left}${right}`, path.slice(44))).not.toBe(root)
  })

  test.each([
    ['a part of a step', path.slice(1)],
    ['another side', `M${path.slice(1)}`],
    ['a character that is not base64url', `${path.slice(0, 10)}+${path.slice(11)}`],
    ['more steps than any tree has', path.slice(0, 44).repeat(21)],
  ])('error: %s is no path', (_name, other) => {
    expect(StatementTree.rootOf('head.claims0', other)).toBeNull()
  })
})
