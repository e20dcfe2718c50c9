import { DEFAULT_STORE_LIMITS } from '../../store/limits.ts'
import type { Check } from './check.ts'
import { Findings } from './finding.ts'
import type { Folder } from './machine.ts'

/** Below it the next write may fail: one body of the control API has as much. */
const FEWEST_FREE_BYTES = 16 * 1_048_576

const says = new Findings('disk')

/** Can the data folder be written, and is there room? */
export const diskCheck: Check = {
  name: 'disk',
  run(machine, { asked: { dataDir } }) {
    const folder = machine.folder(dataDir)
    if (folder === null) return [says.fault(`${dataDir} cannot be looked at`, '--data-dir chooses another folder')]
    const why = whyNot(folder, dataDir)
    if (why !== null) return [says.fault(why, `make it this user's, mount it writable, or choose another folder with --data-dir`)]
    const free = megabytes(folder.freeBytes)
    if (folder.freeBytes < FEWEST_FREE_BYTES)
      return [says.fault(`${dataDir} has ${free} left: nothing will be stored`, 'make room, or choose another folder with --data-dir')]
    if (folder.freeBytes < DEFAULT_STORE_LIMITS.maxFileBytes)
      return [
        says.warning(
          `${dataDir} has ${free} left; a full store takes ${megabytes(DEFAULT_STORE_LIMITS.maxFileBytes)}`,
          'make room, or choose another folder with --data-dir; a sidecar needs a few MiB',
        ),
      ]
    return [says.ok(`${dataDir} ${folder.isThere ? 'is' : 'can be made, and is'} writable, ${free} left`)]
  },
}

function whyNot({ path, isThere, isFolder, isWritable }: Folder, dataDir: string): string | null {
  if (!isFolder) return `${path} is no folder`
  if (isWritable) return null
  return isThere
    ? `${dataDir} cannot be written by this user`
    : `${dataDir} is not there and cannot be made: ${path} cannot be written by this user`
}

function megabytes(octets: number): string {
  return `${Math.floor(octets / 1_048_576).toLocaleString('en-US')} MiB`
}
