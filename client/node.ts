/** The client's public door on Node: everything of `client/index.ts`, the store in a directory, and native signatures. */
export { createKeyAccount } from './account/create-native-key-account.ts'
export * from './index.ts'
export { createFileStore } from './store/file.ts'
export { LockError } from './store/lock.ts'
