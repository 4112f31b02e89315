/** The client's public door on Node: everything of `client/index.ts`, and the store in a directory. */
export * from './index.ts'
export { createFileStore } from './store/file.ts'
export { LockError } from './store/lock.ts'
