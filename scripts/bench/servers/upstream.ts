import { createServer } from 'node:http'
import { answer } from './answer.ts'

/** `servers/upstream.ts PORT`: the API that is sold, where there is no nginx. */
const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(answer) }
const server = createServer({ keepAliveTimeout: 600_000 }, (_request, response) => {
  response.writeHead(200, headers)
  response.end(answer)
})
server.listen(Number(process.argv[2]), '127.0.0.1', () => process.stdout.write('ready\n'))
process.on('SIGTERM', () => process.exit(0))
