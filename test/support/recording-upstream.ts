import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One request as the upstream saw it. */
export type Seen = {
  method: string
  url: string
  headers: IncomingMessage['headers']
  rawHeaders: string[]
  body: string
}

/** A real server that writes down every request it sees, and misbehaves as its path asks. */
export type RecordingUpstream = {
  url: string
  /** Every request, in the order of arrival. */
  seen: Seen[]
  /** Called before a request is answered: holds it back, or changes the world meanwhile. Default: nothing. */
  onRequest: (seen: Seen) => Promise<void> | void
  /** Called in the middle of a `/stream` or a `/broken` answer. Default: nothing. */
  midway: (seen: Seen) => Promise<void> | void
  /** Headers added to every answer. */
  answerHeaders: Record<string, string | string[]>
  forget(): void
  close(): Promise<void>
}

/**
 * By the end of its path: `/status/:code` answers with that status, `/stream` in pieces, `/broken` hangs up inside its
 * answer, `/truncated` inside one whose length it said, `/hang` says nothing, `/reset` hangs up at once; any other path is
 * answered with what was seen.
 */
export async function recordingUpstream(): Promise<RecordingUpstream> {
  const recording: RecordingUpstream = {
    url: '',
    seen: [],
    onRequest: () => {},
    midway: () => {},
    answerHeaders: {},
    forget() {
      recording.seen.length = 0
      recording.onRequest = () => {}
      recording.midway = () => {}
      recording.answerHeaders = {}
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  const server = createServer((request, response) => {
    // A request that is broken off on its way here was never seen.
    void read(request).then(
      async (body) => {
        const { method = '', url = '', headers, rawHeaders } = request
        const seen = { method, url, headers, rawHeaders, body }
        recording.seen.push(seen)
        await recording.onRequest(seen)
        for (const [name, value] of Object.entries(recording.answerHeaders)) response.setHeader(name, value)
        await answer(seen, response, recording)
      },
      () => response.destroy(),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  recording.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return recording
}

async function answer(seen: Seen, response: ServerResponse, { midway }: RecordingUpstream): Promise<void> {
  const [whole = ''] = seen.url.split('?')
  const path = whole.slice(whole.lastIndexOf('/'))
  if (path === '/hang') return
  if (path === '/reset') {
    response.destroy()
    return
  }
  if (path === '/stream' || path === '/broken') {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('data: 1\n\n')
    await midway(seen)
    if (path === '/broken') setImmediate(() => response.destroy())
    else response.end('data: 2\n\n')
    return
  }
  if (path === '/truncated') {
    response.writeHead(200, { 'content-type': 'text/plain', 'content-length': '100' })
    response.write('half of it')
    setImmediate(() => response.destroy())
    return
  }
  const status = Number(/\/status\/(\d{3})$/.exec(whole)?.[1] ?? 200)
  const body = JSON.stringify({ method: seen.method, url: seen.url, body: seen.body })
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
  response.writeHead(status, headers)
  response.end(seen.method === 'HEAD' ? undefined : body)
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}
