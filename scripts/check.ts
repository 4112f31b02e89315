import { spawn } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkFile, type Finding } from './check/rules.ts'

/** `./run check [--fix]`: types, lint and format, and the rules of the house. */

const root = join(import.meta.dirname, '..')
const fix = process.argv.includes('--fix')
const unknown = process.argv.slice(2).filter((argument) => argument !== '--fix')
if (unknown.length > 0) {
  console.error(`check takes --fix and nothing else; "${unknown.join(' ')}" is unknown.`)
  process.exit(2)
}

const findings = checkHouse()
for (const { file, line, rule, fix: how } of findings) console.log(`${file}:${line}  ${rule}\n  Fix: ${how}.`)

const biome = ['check', '--error-on-warnings', ...(fix ? ['--write'] : []), '.']
const results = [
  { name: 'house rules', ok: findings.length === 0 },
  ...(await Promise.all([command('types', 'tsc', ['-p', '.']), command('lint and format', 'biome', biome)])),
]
console.log(results.map(({ name, ok }) => `${name}: ${ok ? 'ok' : 'failed'}`).join(', '))
if (results.some(({ ok }) => !ok)) process.exitCode = 1

function checkHouse(): Finding[] {
  // Folders below may have packages of their own.
  const exclude = ['**/node_modules/**']
  const files = globSync('{gateway,client,scripts,test,examples}/**/*.ts', { cwd: root, exclude }).sort()
  return files.flatMap((file) => checkFile(file, readFileSync(join(root, file), 'utf8')))
}

/** Runs a tool of the project and shows what it says when it is not content. */
function command(name: string, tool: string, args: string[]): Promise<{ name: string; ok: boolean }> {
  return new Promise((resolve) => {
    const child = spawn(join(root, 'node_modules', '.bin', tool), args, { cwd: root })
    const output: Buffer[] = []
    child.stdout.on('data', (data: Buffer) => output.push(data))
    child.stderr.on('data', (data: Buffer) => output.push(data))
    child.on('error', (error) => resolve(finish(`${error.message}\n`, false)))
    child.on('close', (code) => resolve(finish(Buffer.concat(output).toString(), code === 0)))
  })
  function finish(output: string, ok: boolean) {
    if (!ok) process.stdout.write(output)
    return { name, ok }
  }
}
