import { readFile, writeFile } from 'node:fs/promises'
import type { Profile } from './Profile.ts'
import type { Result } from './Result.ts'
import { describe, isKept, targets } from './targets.ts'
import { titles } from './titles.ts'

/** The parts of docs/performance.md that a run writes, by the name of their markers. */
type Section = 'measured' | 'profile'

/** Writes what a run found into docs/performance.md: its profile if it made one, else everything else. Says which file. */
export async function document(result: Result, path = 'docs/performance.md'): Promise<string> {
  let text = await readFile(path, 'utf8')
  const profiles = profilesOf(result)
  if (profiles.length > 0) text = replace(text, 'profile', profiles.map(profileText).join('\n'))
  else text = replace(text, 'measured', measuredText(result))
  await writeFile(path, text)
  return path
}

function replace(text: string, section: Section, content: string): string {
  const markers = new RegExp(`(<!-- ${section} -->\n)[\\s\\S]*?(<!-- /${section} -->)`)
  return text.replace(markers, (_, open: string, close: string) => `${open}\n${content}\n${close}`)
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [
    `| ${head.join(' | ')} |`,
    `|${head.map((_, column) => (column === 0 ? '---' : '---:')).join('|')}|`,
    ...rows.map((row) => `| ${row.join(' | ')} |`),
    '',
  ].join('\n')

const number = (value: number | null | undefined, digits = 0) =>
  value === null || value === undefined
    ? '–'
    : value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })

/** Everything but the profile. */
function measuredText(result: Result): string {
  const { machine, conditions, samples, skipped, latency, disk, growth, memory } = result
  const { rounds, connections, warmMs, measureMs, upstream } = conditions
  const pinned = machine.pinned ? 'server on one core, everything else on another' : 'not pinned'
  const rows = Object.entries(samples).map(([name, of]) => {
    const rates = of.map(({ rate }) => rate)
    const found = result.medians[name]
    return [
      titles[name] ?? name,
      number(found?.rate),
      rates.length === 0 ? '–' : `${number(Math.min(...rates))}–${number(Math.max(...rates))}`,
      number(found?.p50, 2),
      number(found?.p99, 2),
      number(found?.microsPerCall),
    ]
  })
  const stolen = Object.values(samples)
    .flat()
    .map((sample) => sample.stolen * 100)
    .sort((one, other) => one - other)
  const out = [
    `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}; ${pinned}; ${connections} connections; ${rounds} rounds of ` +
      `${warmMs / 1_000} s warm-up and ${measureMs / 1_000} s measured; the API is ${upstream === 'nginx' ? 'nginx' : "node's own server"}. ` +
      `The machine below took ${number(stolen[stolen.length >> 1])} % of the server's core for others in the middle sample, ${number(stolen.at(-1))} % in the worst.\n`,
    table(['', 'calls/s', 'least–most', 'p50 ms', 'p99 ms', 'CPU µs a call'], rows),
    table(
      ['Promised', 'at', 'found', ''],
      targets(result).map((target) => {
        const { promised, found } = describe(target)
        const kept = isKept(target)
        return [target.title, promised, found, kept === null ? 'not measured' : kept ? 'kept' : '**missed**']
      }),
    ),
  ]
  if (Object.keys(latency).length > 0)
    out.push(
      table(
        [
          'Added at half load',
          'calls/s',
          'p50 ms',
          'p99 ms',
          'p99.9 ms',
          'longest scavenge ms',
          'other pause ms',
          'kept kB a call',
        ],
        Object.entries(latency).map(
          ([name, { perSecond, added, longestScavenge, longestOther, keptPerCall }]) => [
            titles[name] ?? name,
            number(perSecond),
            ...[added.p50, added.p99, added.p999, longestScavenge, longestOther].map((value) =>
              number(value, 2),
            ),
            keptPerCall === null ? '–' : number(keptPerCall / 1_000, 2),
          ],
        ),
      ),
    )
  if (disk !== null)
    out.push(
      `This disk confirms 4 kB (\`fdatasync\`) within ${number(disk.p50, 2)} ms half of the time, ${number(disk.p99, 2)} ms at p99, ` +
        `${number(disk.p999, 2)} ms at p99.9; a paid call waits for it twice.\n`,
    )
  if (growth !== null)
    out.push(
      table(
        [
          'Channels',
          'past calls',
          'file GB',
          'start s',
          'heap at start MB',
          'calls/s by round',
          'CPU µs a call',
        ],
        growth.sizes.map(({ channels, past, fileBytes, startMs, memoryAtStart, samples: of }) => [
          number(channels),
          number(past),
          number(fileBytes / 1e9, 2),
          number(startMs / 1_000, 1),
          number(memoryAtStart.heap / 1e6),
          of.map(({ rate }) => number(rate)).join(', '),
          of.map(({ microsPerCall }) => number(microsPerCall)).join(', '),
        ]),
      ),
    )
  if (memory !== null)
    out.push(
      `An idle channel takes ${number(memory.heapPerChannel)} bytes of heap after its call, and ` +
        `${number(memory.heapPerChannelAnHourLater)} an hour later (${number(memory.channels)} channels).\n`,
    )
  for (const [name, why] of Object.entries(skipped)) out.push(`Left out: ${name}, because ${why}.\n`)
  return out.join('\n')
}

function profilesOf({ samples }: Result): { name: string; profile: Profile }[] {
  return Object.entries(samples).flatMap(([name, of]) =>
    of.flatMap(({ profile }) => (profile === undefined ? [] : [{ name, profile }])),
  )
}

function profileText({ name, profile }: { name: string; profile: Profile }): string {
  const { folders, functions, inclusive } = profile
  const share = (of: Profile['folders'][number] | undefined) =>
    of === undefined
      ? ['', '']
      : [`\`${of.name.replace(/ {2}/, ' · ')}\``, `${(of.share * 100).toFixed(1)} %`]
  const lines = Array.from({ length: 15 }, (_, place) => [
    ...share(folders[place]),
    ...share(functions[place]),
    ...share(inclusive[place]),
  ])
  return [
    `### ${titles[name] ?? name}\n`,
    table(['Folder or package', '', 'Function, itself', '', 'Our function, with what it calls', ''], lines),
  ].join('\n')
}
