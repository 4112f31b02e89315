import { connect } from 'node:net'

/** An answer as it came over the socket; a status of 0 when the connection was closed without one. */
export type RawAnswer = { status: number; headers: Map<string, string>; body: string; milliseconds: number }

/** Sends bytes as they are, which no HTTP client would, and reads until the other side closes or has answered once. */
export async function raw(origin: string, bytes: string | Buffer): Promise<RawAnswer> {
  const { hostname, port } = new URL(origin)
  const started = performance.now()
  const text = await new Promise<string>((resolve, reject) => {
    const socket = connect(Number(port), hostname)
    let received = ''
    socket.setEncoding('latin1')
    socket.on('data', (chunk) => {
      received += chunk
      if (isWhole(received)) socket.end()
    })
    socket.on('close', () => resolve(received))
    socket.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNRESET' || error.code === 'EPIPE' ? resolve(received) : reject(error),
    )
    socket.write(bytes)
  })
  const [head = '', body = ''] = split(text)
  const [statusLine = '', ...fields] = head.split('\r\n')
  return {
    status: Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1] ?? 0),
    headers: new Map(
      fields.map((field) => [
        field.split(':', 1)[0]?.toLowerCase() ?? '',
        field.slice(field.indexOf(':') + 1).trim(),
      ]),
    ),
    body: /transfer-encoding: chunked/i.test(head) ? unchunk(body) : body,
    milliseconds: performance.now() - started,
  }
}

/** A request line and headers, with the usual ones added. */
export function request(line: string, headers: string[] = [], body = ''): string {
  const length = body === '' ? [] : [`content-length: ${Buffer.byteLength(body)}`]
  return `${[line, 'host: example.test', ...length, ...headers].join('\r\n')}\r\n\r\n${body}`
}

function split(text: string): string[] {
  const end = text.indexOf('\r\n\r\n')
  return end === -1 ? [text] : [text.slice(0, end), text.slice(end + 4)]
}

function isWhole(text: string): boolean {
  const [head, body] = split(text)
  if (head === undefined || body === undefined) return false
  const length = /content-length: (\d+)/i.exec(head)?.[1]
  if (length !== undefined) return body.length >= Number(length)
  return /transfer-encoding: chunked/i.test(head) ? body.endsWith('0\r\n\r\n') : true
}

function unchunk(body: string): string {
  let rest = body
  let whole = ''
  for (;;) {
    const end = rest.indexOf('\r\n')
    const size = Number.parseInt(rest.slice(0, end), 16)
    if (end === -1 || !(size > 0)) return whole
    whole += rest.slice(end + 2, end + 2 + size)
    rest = rest.slice(end + 2 + size + 2)
  }
}
