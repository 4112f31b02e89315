import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import type { Instances } from '../ledger/Instances.ts'

/** A process among those that may keep the same books: how it is told apart, and what it can tell about others. */
export type Process = Pick<Instances.New, 'host' | 'pid' | 'born'> & {
  /** Does another one live? Null: that cannot be told from here. */
  lives(other: Pick<Instances.New, 'host' | 'pid' | 'born'>): boolean | null
}

/**
 * The process that runs this. A pid means something only inside its machine and its pid namespace (a container has its own),
 * so of a process elsewhere nothing is said. A pid that belongs to a process of another start is that of a dead one.
 */
export function thisProcess(): Process {
  const host = [hostname(), namespace()].filter((part) => part !== null).join(' ')
  return {
    host,
    pid: process.pid,
    born: bornAt(process.pid),
    lives(other) {
      if (other.host !== host) return null
      if (!exists(other.pid) || isZombie(other.pid)) return false
      const now = bornAt(other.pid)
      return now === null || other.born === null || now === other.born
    },
  }
}

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // Somebody else's process is one all the same.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** When a process began, as its kernel counts it; null where that cannot be read. */
function bornAt(pid: number): string | null {
  const boot = read('/proc/sys/kernel/random/boot_id')
  const ticks = statOf(pid)?.[19]
  return boot === null || ticks === undefined ? null : `${boot.trim()} ${ticks}`
}

/** Ended, and not yet buried by its parent. */
function isZombie(pid: number): boolean {
  return /^[ZXx]$/.test(statOf(pid)?.[0] ?? '')
}

/** Fields of `/proc/<pid>/stat` behind the name of the program, which may have spaces and brackets in it. */
function statOf(pid: number): string[] | undefined {
  return read(`/proc/${pid}/stat`)
    ?.replace(/^.*\)\s*/s, '')
    .split(' ')
}

function namespace(): string | null {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return null
  }
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}
