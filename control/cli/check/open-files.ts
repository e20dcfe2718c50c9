import { DEFAULT_MAX_CONNECTIONS } from '../../../proxy/net/acceptor.ts'
import type { Check } from './check.ts'
import { Findings } from './finding.ts'

/** Of what is open besides connections: listeners, the control streams, the copy on disk, Node's own. */
const OTHER_FILES = 100
/** For as many connections as one listener takes: each has one to the other side. */
export const WANTED_OPEN_FILES = 2 * DEFAULT_MAX_CONNECTIONS + OTHER_FILES
/** Below it a sidecar fails in everyday use: what most systems give a shell. */
const FEWEST_OPEN_FILES = 1_024

const says = new Findings('open-files')

/** May a process have as many connections as a sidecar takes? */
export const openFilesCheck: Check = {
  name: 'open-files',
  run(machine) {
    const limit = machine.openFiles()
    if (limit === null) return [says.skipped(`only Linux says the limit, and this is ${machine.platform}; \`ulimit -Hn\` shows it`)]
    const pairs = Math.max(0, Math.floor((limit - OTHER_FILES) / 2))
    const fix = 'raise the hard limit: `ulimit -Hn 65536`, LimitNOFILE=65536 in a systemd unit, `ulimits` in a compose file'
    if (limit < FEWEST_OPEN_FILES)
      return [says.fault(`a process may open ${limit} files: about ${pairs} connections, then they are refused`, fix)]
    if (limit < WANTED_OPEN_FILES)
      return [
        says.warning(`a process may open ${limit} files: about ${pairs} connections, and a listener takes ${DEFAULT_MAX_CONNECTIONS}`, fix),
      ]
    return [says.ok(`a process may open ${limit === Number.POSITIVE_INFINITY ? 'any number of' : limit} files`)]
  },
}
