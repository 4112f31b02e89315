import { describe, expect, test } from 'vitest'
import * as Fields from '../../gateway/upstream/Fields.ts'
import { readUpTo } from '../../gateway/upstream/read-up-to.ts'
import {
  fromStream,
  readAll,
  type Sink,
  type Source,
  tapped,
  toStream,
} from '../../gateway/upstream/Source.ts'
import { streamOf } from './raw-upstream.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const pieces = ['one', 'two', 'three'].map(bytes)

/** A source that hands its pieces on at once, as far as they are taken. */
function sourceOf(chunks: readonly Uint8Array[], ending: (sink: Sink) => void = (sink) => sink.end()) {
  const waiting = [...chunks]
  const state = { cancelled: false, given: 0 }
  let sink: Sink | undefined
  const flow = () => {
    for (;;) {
      const next = waiting.shift()
      if (next === undefined) return sink === undefined ? undefined : ending(sink)
      state.given += 1
      if (sink?.write(next) !== true) return
    }
  }
  const source: Source = {
    open(to) {
      sink = to
      flow()
    },
    resume: flow,
    cancel() {
      state.cancelled = true
    },
  }
  return { source, state }
}

describe('toStream', () => {
  test('default: gives every piece, pulled one by one', async () => {
    const { source, state } = sourceOf(pieces)
    const reader = toStream(source).getReader()
    expect(state.given).toBe(0)
    expect((await reader.read()).value).toEqual(bytes('one'))
    expect(state.given).toBe(1)
    expect((await reader.read()).value).toEqual(bytes('two'))
    expect((await reader.read()).value).toEqual(bytes('three'))
    expect((await reader.read()).done).toBe(true)
  })

  test('behavior: a reader that leaves cancels the source', async () => {
    const { source, state } = sourceOf(pieces)
    await toStream(source).cancel()
    expect(state.cancelled).toBe(true)
  })

  test('error: what breaks off fails the reader', async () => {
    const { source } = sourceOf(pieces.slice(0, 1), (sink) => sink.fail(new Error('broke')))
    await expect(new Response(toStream(source)).text()).rejects.toThrow('broke')
  })
})

describe('fromStream and readAll', () => {
  test('default: a web stream there and back is the same bytes', async () => {
    expect(await new Response(toStream(fromStream(streamOf(pieces)))).text()).toBe('onetwothree')
    expect(Buffer.from(await readAll(fromStream(streamOf(pieces)))).toString()).toBe('onetwothree')
    expect((await readAll(fromStream(streamOf([])))).byteLength).toBe(0)
  })

  test('behavior: cancelling gives the stream back to who makes it', async () => {
    const left = Promise.withResolvers<unknown>()
    const stream = new ReadableStream<Uint8Array>({ cancel: left.resolve })
    fromStream(stream).cancel('enough')
    expect(await left.promise).toBe('enough')
  })

  test('error: what breaks off rejects', async () => {
    const stream = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.error(new Error('broke')),
    })
    await expect(readAll(fromStream(stream))).rejects.toThrow('broke')
  })
})

describe('readUpTo', () => {
  test('default: a body up to the limit is read whole, in no more copies than it takes', async () => {
    for (const some of [[], pieces.slice(0, 1), pieces]) {
      const whole = Buffer.concat(some)
      const { source } = sourceOf(some)
      expect(Buffer.from((await readUpTo(source, whole.byteLength)) as Uint8Array)).toEqual(whole)
    }
  })

  test('behavior: of a longer one nothing is lost, and no more is read than was asked for', async () => {
    const { source, state } = sourceOf(pieces)
    const longer = (await readUpTo(source, 4)) as Source
    expect(state.given).toBe(2)
    const reader = toStream(longer).getReader()
    expect((await reader.read()).value).toEqual(bytes('one'))
    expect((await reader.read()).value).toEqual(bytes('two'))
    expect(state.given).toBe(2)
    expect((await reader.read()).value).toEqual(bytes('three'))
    expect((await reader.read()).done).toBe(true)
  })

  test('behavior: leaving a longer one leaves the source', async () => {
    const { source, state } = sourceOf(pieces)
    const longer = (await readUpTo(source, 4)) as Source
    longer.cancel()
    expect(state.cancelled).toBe(true)
  })

  test('error: what breaks off rejects; where it was longer, whoever takes it hears so after what was read', async () => {
    const short = sourceOf(pieces.slice(0, 1), (sink) => sink.fail(new Error('broke')))
    await expect(readUpTo(short.source, 100)).rejects.toThrow('broke')
    const long = sourceOf(pieces.slice(0, 2), (sink) => sink.fail(new Error('broke')))
    const reader = toStream((await readUpTo(long.source, 4)) as Source).getReader()
    expect((await reader.read()).value).toEqual(bytes('one'))
    expect((await reader.read()).value).toEqual(bytes('two'))
    await expect(reader.read()).rejects.toThrow('broke')
  })

  test('error: what breaks off before a longer one is taken is not forgotten', async () => {
    let sink: Sink | undefined
    const source: Source = {
      open(to) {
        sink = to
        to.write(bytes('one'))
      },
      resume() {},
      cancel() {},
    }
    const longer = (await readUpTo(source, 1)) as Source
    sink?.fail(new Error('broke'))
    const reader = toStream(longer).getReader()
    expect((await reader.read()).value).toEqual(bytes('one'))
    await expect(reader.read()).rejects.toThrow('broke')
  })
})

describe('tapped', () => {
  test('behavior: counts what was taken, and nothing else', async () => {
    let taken = 0
    const { source } = sourceOf(pieces)
    const reader = toStream(tapped(source, (chunk) => (taken += chunk.byteLength))).getReader()
    await reader.read()
    expect(taken).toBe(3)
  })
})

describe('Fields', () => {
  test('default: are read by name in any case, joined as Headers joins them', () => {
    const fields = ['X-A', '1', 'x-a', '2', 'Cookie', 'a=1', 'cookie', 'b=2']
    const headers = Fields.toHeaders(fields)
    for (const name of ['x-a', 'cookie', 'none']) expect(Fields.get(fields, name)).toBe(headers.get(name))
    expect(Fields.indexOf(fields, 'cookie')).toBe(4)
  })

  test('behavior: set replaces every field of the name; a value is never taken for a name', () => {
    const fields = ['b', 'a', 'A', '1', 'a', '2']
    Fields.set(fields, 'a', '3')
    Fields.set(fields, 'c', '4')
    expect(Fields.from(Fields.toHeaders(fields))).toEqual(['a', '3', 'b', 'a', 'c', '4'])
    expect(Fields.get(['b', 'x', 'x', 'y'], 'x')).toBe('y')
  })
})
