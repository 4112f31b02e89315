import { spawn } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { mutants, sources } from './mutants.ts'

// Takes one rule of the escrow away at a time and looks whether a Solidity test notices:
//   node test/contracts/mutants/run.ts [from which one] [to which one]
// A quarter of a minute for each, in a copy of the project: not part of `./run test`. Ends with 1 when one survives.

const root = fileURLToPath(new URL('../../../', import.meta.url))
const [first = 1, last = mutants.length] = process.argv.slice(2).map(Number)
const wanted = mutants.slice(first - 1, last)
const copy = await mkdtemp(join(tmpdir(), 'farthing-mutants-'))
const originals = await Promise.all(
  sources.map(async (source) => ({
    file: join(copy, 'contracts', source),
    text: await readFile(join(root, 'contracts', source), 'utf8'),
  })),
)
let unnoticed = 0

try {
  for (const part of ['contracts', 'test/contracts', 'scripts/deploy', 'hardhat.config.ts', 'package.json']) {
    await cp(join(root, part), join(copy, part), { recursive: true })
  }
  // Fewer random runs: what only the four-hundredth would notice is noticed by chance.
  const config = join(copy, 'hardhat.config.ts')
  const settings = await readFile(config, 'utf8')
  await writeFile(
    config,
    settings.replace('runs: 256', 'runs: 32').replace('runs: 32, depth', 'runs: 4, depth'),
  )
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'))
  for (const { name, from, to } of wanted) {
    const original = originals.find(({ text }) => text.includes(from))
    if (original === undefined) {
      report('STALE', name, 'its text is not in the contract: bring it up to date')
      continue
    }
    await writeFile(
      original.file,
      original.text.replace(from, () => to),
    )
    const { code, output } = await test()
    await writeFile(original.file, original.text)
    const failed = [
      ...new Set([...output.matchAll(/^ +\d+\) ((?:test|invariant)\w+)/gm)].map((match) => match[1])),
    ]
    if (code === 0) report('SURVIVED', name)
    else if (failed.length === 0) report('BROKEN', name, output.slice(-800))
    else console.log(`noticed   ${name}: ${failed.slice(0, 3).join(', ')}${failed.length > 3 ? ', …' : ''}`)
  }
} finally {
  await rm(copy, { recursive: true, force: true })
}
console.log(`${wanted.length - unnoticed} of ${wanted.length} noticed`)
process.exitCode = unnoticed === 0 ? 0 : 1

function report(what: string, name: string, detail = ''): void {
  unnoticed++
  console.log(`${what.padEnd(9)} ${name} ${detail}`)
}

function test(): Promise<{ code: number | null; output: string }> {
  const cli = join(root, 'node_modules', 'hardhat', 'dist', 'src', 'cli.js')
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [cli, 'test', 'solidity'], { cwd: copy })
    let output = ''
    const collect = (chunk: Buffer) => {
      output += chunk.toString()
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, output }))
  })
}
