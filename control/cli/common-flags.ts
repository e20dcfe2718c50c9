import type { FlagSpec } from './command.ts'

/** Flags that several commands have. */
export const API_FLAG: FlagSpec = {
  name: 'api',
  type: { kind: 'url' },
  default: 'http://127.0.0.1:15080',
  summary: 'control API',
}

export const NAMESPACE_FLAG: FlagSpec = { name: 'namespace', short: 'n', type: { kind: 'name' }, default: 'default', summary: 'namespace' }

export const OUTPUT_FLAG: FlagSpec = {
  name: 'output',
  short: 'o',
  type: { kind: 'enum', values: ['table', 'json', 'yaml'] },
  default: 'table',
  summary: 'how to print',
}

export const FILES_FLAG: FlagSpec = {
  name: 'file',
  short: 'f',
  type: { kind: 'path' },
  valueName: 'FILE|DIR|-',
  isRepeated: true,
  summary: 'documents in YAML or JSON; a folder: its .yaml, .yml and .json files; -: standard input',
}
