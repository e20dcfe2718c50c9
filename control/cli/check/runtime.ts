import type { Check } from './check.ts'
import { Findings } from './finding.ts'

/** What the data path and the sources need. */
const NODE_MAJOR = 26

const says = new Findings('node')

/** Is this the Node that Outrider is made for? */
export const runtimeCheck: Check = {
  name: 'node',
  run: ({ nodeVersion, platform }) => [
    Number(nodeVersion.split('.')[0]) >= NODE_MAJOR
      ? says.ok(`Node ${nodeVersion} on ${platform}`)
      : says.fault(
          `Node ${nodeVersion} is too old; ${NODE_MAJOR} is needed`,
          'start it as `outrider`: the package brings its own Node, unless install scripts are switched off',
        ),
  ],
}
