import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GatewayError } from '../../gateway/errors.ts'
import { canonicalPath, maxTargetLength, PathNotCanonicalError } from '../../gateway/routes/canonical-path.ts'

const pathOf = (target: string) => canonicalPath(target).path

describe('canonicalPath', () => {
  test('default: a plain path and its query are returned as they are', () => {
    expect(canonicalPath('/v1/quotes/eth?q=a%20b&x')).toEqual({ path: '/v1/quotes/eth', query: '?q=a%20b&x' })
    expect(canonicalPath('/')).toEqual({ path: '/', query: '' })
  })

  test('behavior: an empty query keeps its mark, so that the target is forwarded byte for byte', () => {
    expect(canonicalPath('/v1?')).toEqual({ path: '/v1', query: '?' })
    expect(canonicalPath('/v1??a=?')).toEqual({ path: '/v1', query: '??a=?' })
  })

  test('behavior: encoded characters that need no encoding are decoded, others are written in capitals', () => {
    expect(pathOf('/v1/%67old')).toBe('/v1/gold')
    expect(pathOf('/%7Euser/a%2db')).toBe('/~user/a-b')
    expect(pathOf('/caf%c3%a9/%3a')).toBe('/caf%C3%A9/%3A')
    expect(pathOf('/file%2Etxt')).toBe('/file.txt')
  })

  test('behavior: double encoding stays data, exactly as it is', () => {
    for (const path of ['/a/%252f/b', '/a/%252e%252e/b', '/a/%2500', '/a/%255c'])
      expect(pathOf(path)).toBe(path)
  })

  test('behavior: path parameters, a last slash and dots inside a name are data', () => {
    for (const path of ['/a;v=1/b', '/a/', '/a/...', '/a/.well-known/x', '/a/b..c'])
      expect(pathOf(path)).toBe(path)
  })

  test('behavior: the query is not read: encodings in it are the upstream’s business', () => {
    expect(canonicalPath('/a?next=%2F..%2f..\\&p=100%&v[]={1}|`^').query).toBe(
      '?next=%2F..%2f..\\&p=100%&v[]={1}|`^',
    )
  })

  test('error: the message names the rule', () => {
    expect(() => canonicalPath('/a//b')).toThrowErrorMatchingInlineSnapshot(
      `[PathNotCanonicalError: The path contains "//". Ask again with the path in its plain form.]`,
    )
  })
})

describe('attack: path confusion (the path matched is the path forwarded)', () => {
  const attempts: Record<string, string[]> = {
    'empty segment': ['//v1/gold', '/v1//gold', '/v1/gold//', '/v1/%2567//'],
    'dot segment': ['/./v1', '/v1/.', '/v1/..', '/v1/../admin', '/..', '/v1/../../etc/passwd'],
    'encoded dot segment': ['/v1/%2e%2e/admin', '/v1/.%2E/admin', '/%2e/v1', '/v1/%2E%2e'],
    'dot segment behind a path parameter': [
      '/v1/..;/admin',
      '/v1/.;x=1/gold',
      '/v1/..%3b/admin',
      '/v1/%2e%2e;a/x',
    ],
    'encoded slash': ['/v1%2fgold', '/v1/%2Fgold', '/v1/..%2fadmin'],
    backslash: ['/v1\\gold', '/\\evil.example', '/v1/..\\admin', '\\v1'],
    'encoded backslash': ['/v1%5cgold', '/v1/..%5Cadmin'],
    'encoded NUL or control': [
      '/v1/gold%00',
      '/v1/gold%00.png',
      '/v1/%0d%0aHost:%20x',
      '/v1/%09',
      '/v1/%1F',
      '/v1/%7f',
    ],
    'raw control or space': [
      '/v1/go ld',
      '/v1/gold\r\nX: y',
      '/v1/\u0000',
      '/v1/\t',
      '/v1/gold\u007f',
      '/a?x\r\nY: z',
      '/a?b c',
    ],
    'broken encoding': ['/v1/%', '/v1/%2', '/v1/%zz', '/v1/%u002f', '/v1/gold%'],
    'overlong or invalid UTF-8': [
      '/v1/%c0%af',
      '/v1/%c0%ae%c0%ae/x',
      '/v1/%e0%80%af',
      '/v1/%ff',
      '/v1/%ed%a0%80',
    ],
    'raw Unicode': ['/v1/gøld', '/v1/\uFF0Fgold', '/v1/\u2215', '/v1/😀', '/v1/\uD800', '/a?é'],
    'absolute, authority and asterisk form': [
      'http://h/v1/gold',
      'HTTP://h/',
      'h:80',
      '*',
      '',
      '?a',
      'v1/gold',
      '@h/v1',
    ],
    fragment: ['/v1/gold#x', '/v1#', '/a?b#c'],
    'characters that no URL has raw': [
      '/v1/<x>',
      '/v1/"',
      '/v1/{id}',
      '/v1/a|b',
      '/v1/^',
      '/v1/`',
      '/v1/[x]',
      '/a?"',
      '/a?<',
    ],
    length: [`/${'a'.repeat(maxTargetLength)}`, `/a?${'b'.repeat(maxTargetLength)}`],
  }
  for (const [name, targets] of Object.entries(attempts))
    for (const target of targets)
      test(`error: ${name}: ${JSON.stringify(target.slice(0, 40))}`, () => {
        expect(() => canonicalPath(target)).toThrow(PathNotCanonicalError)
      })
})

describe('canonicalPath, for every input', () => {
  const pieces = fc.constantFrom(
    '/',
    '//',
    '.',
    '..',
    '%2e',
    '%2E',
    '%2f',
    '%5C',
    '\\',
    '%00',
    '%25',
    '%252f',
    '%',
    ';',
    '%3b',
    '?',
    '#',
    'a',
    'Gold',
    '%67',
    '%C3%A9',
    '%C0%AF',
    '%c3',
    '\r\n',
    ' ',
    'é',
    '*',
    ':',
    '@',
    '~',
    '%7E',
    '%7f',
    '+',
    '[',
  )
  const hostile = fc.array(pieces, { maxLength: 12 }).map((parts) => `/${parts.join('')}`)
  const anything = fc.oneof(
    hostile,
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.webPath().map((path) => `/${path}`),
  )

  test('error: only our own errors', () => {
    fc.assert(
      fc.property(anything, (target) => {
        try {
          canonicalPath(target)
        } catch (error) {
          expect(error).toBeInstanceOf(GatewayError)
        }
      }),
      { numRuns: 2000 },
    )
  })

  test('behavior: idempotent, and nothing that is accepted contains a forbidden form', () => {
    let accepted = 0
    fc.assert(
      fc.property(anything, (target) => {
        const result = accept(target)
        if (result === undefined) return
        accepted += 1
        expect(canonicalPath(result.path + result.query)).toEqual(result)
        expect(result.path).toMatch(/^\/[!-~]*$/)
        expect(result.path).not.toMatch(/\/\/|\\|[?#\s]|%2F|%5C|%[01].|%7F/i)
        expect(result.path.split('/').slice(1)).not.toContain('..')
        expect(result.path.split('/').slice(1)).not.toContain('.')
        expect(result.path).not.toMatch(/%(?![0-9A-F]{2})/)
        expect(target.endsWith(result.query)).toBe(true)
      }),
      { numRuns: 4000 },
    )
    expect(accepted).toBeGreaterThan(100)
  })

  test('behavior: what a WHATWG URL makes of an accepted target is the same target', () => {
    fc.assert(
      fc.property(hostile, (target) => {
        const result = accept(target)
        if (result !== undefined) expect(new URL(`http://upstream${result.path}`).pathname).toBe(result.path)
      }),
      { numRuns: 4000 },
    )
  })
})

function accept(target: string): canonicalPath.Result | undefined {
  try {
    return canonicalPath(target)
  } catch {
    return undefined
  }
}
