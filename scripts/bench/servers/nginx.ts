import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../dev/free-port.ts'
import { type Child, start } from '../Child.ts'
import { answer } from './answer.ts'

const program = ['nginx', '/usr/sbin/nginx'].find(
  (name) => spawnSync(name, ['-v'], { stdio: 'ignore' }).status === 0,
)

/** Whether nginx can be started on this machine. */
export const hasNginx = program !== undefined

/** nginx with one worker, either as the API that is sold or as a plain proxy in front of it. */
export async function startNginx(
  core: 'server' | 'rest',
  folder: string,
  role: { answers: true } | { proxies: number },
): Promise<Child & { port: number }> {
  const port = await freePort()
  const place = join(folder, `nginx-${port}`)
  mkdirSync(place, { recursive: true })
  const location =
    'answers' in role
      ? `return 200 '${answer}';`
      : 'proxy_pass http://api; proxy_http_version 1.1; proxy_set_header Connection "";'
  const upstream =
    'proxies' in role
      ? `upstream api { server 127.0.0.1:${role.proxies}; keepalive 128; keepalive_requests 100000000; }`
      : ''
  const file = join(place, 'nginx.conf')
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${place}/${name};`,
  )
  writeFileSync(
    file,
    `${process.getuid?.() === 0 ? 'user root;' : ''} worker_processes 1; daemon off; pid ${place}/pid;
error_log ${place}/error.log warn;
events { worker_connections 1024; }
http {
  access_log off; default_type application/json; keepalive_requests 100000000; keepalive_timeout 600s;
  ${temporary.join(' ')}
  ${upstream}
  server { listen 127.0.0.1:${port} backlog=1024; location / { ${location} } }
}
`,
  )
  // It says nothing once it listens, so its configuration echoes a line first and its port is asked.
  const child = await start(
    core,
    ['sh', '-c', `echo ready; exec ${program} -p "${place}" -c "${file}" -e "${place}/error.log"`],
    (line) => (line === 'ready' ? true : null),
  )
  await listens(port)
  return { ...child, port }
}

/** Waits until something answers on a port. */
export async function listens(port: number): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      await (await fetch(`http://127.0.0.1:${port}/`)).arrayBuffer()
      return
    } catch (error) {
      if (attempt === 100)
        throw new Error(`Nothing answers on port ${port} after 5 seconds.`, { cause: error })
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}
