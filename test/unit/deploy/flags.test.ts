import t from 'tap'
import { loadFiles } from '../../../control/cli/document-files.ts'
import { checkDocuments } from '../../../control/model/check.ts'
import { EMPTY_MODEL } from '../../../control/model/model.ts'
import { DEPARTURE_TIMEOUT_MS } from '../../../proxy/drain.ts'
import { MANIFESTS, podsOf, readUnit, readYaml, type Started, type Tree } from '../../support/deploy-files.ts'
import { allProcesses, invocationOf } from './started.ts'

const PROCESSES = allProcesses(t)
/** Services of the sidecars that compose starts. */
const REGISTERED = new Set(
  PROCESSES.flatMap(({ environment }) =>
    environment['OUTRIDER_SERVICE'] === undefined ? [] : [`default/${environment['OUTRIDER_SERVICE']}`],
  ),
)

t.test('every command line, variable and mounted file of flags is one that the program takes, without a warning', async t => {
  const count = (word: string) => PROCESSES.filter(({ words }) => words[0] === word).length
  t.same([count('apply'), count('control'), count('proxy'), PROCESSES.length], [1, 3, 7, 11])
  for (const process of PROCESSES) t.same(invocationOf(process).warnings, [], process.where)
})

t.test('documents that are applied or mounted are sound', async t => {
  let count = 0
  for (const process of PROCESSES) {
    const { name, flags } = invocationOf(process)
    const files = name === 'apply' ? flags.list('file') : name === 'proxy' ? [flags.text('documents')].filter(each => each !== null) : []
    if (files.length === 0) continue
    const loaded = loadFiles(files)
    const { faults, warnings } = checkDocuments(loaded.sources, EMPTY_MODEL, { registered: REGISTERED })
    t.same([loaded.faults, faults, warnings], [[], [], []], process.where)
    count += loaded.sources.length
  }
  t.equal(count, 3 + 1 + 3)
})

t.test('whoever is stopped has the time that leaving takes', async t => {
  const leavingMs = (where: RegExp) => {
    const drainMs = invocationOf(PROCESSES.find(each => where.test(each.where)) as Started).flags.durationMs('drain-timeout') as number
    return DEPARTURE_TIMEOUT_MS + 2 * drainMs
  }
  for (const [name, service] of Object.entries<Tree>(readYaml('compose.yaml').services))
    if (name.endsWith('-sidecar'))
      t.ok(Number.parseInt(service.stop_grace_period, 10) * 1_000 > leavingMs(new RegExp(`^compose.yaml ${name}$`)), name)
  for (const file of MANIFESTS.slice(1)) {
    const [pod] = podsOf(file)
    t.ok(pod?.spec.terminationGracePeriodSeconds * 1_000 > leavingMs(new RegExp(`^${file}`)), file)
  }
  const unit = readUnit('outrider-proxy@.service').find(({ key }) => key === 'TimeoutStopSec')?.value
  t.ok(Number(unit) * 1_000 > leavingMs(/^outrider-proxy@/))
})
