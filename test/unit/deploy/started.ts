import { COMMANDS } from '../../../control/cli/commands.ts'
import { controlCommand } from '../../../control/cli/control.ts'
import { readInvocation } from '../../../control/cli/flags.ts'
import { SIDECAR_FLAGS } from '../../../control/cli/sidecar-flags.ts'
import { parseAddress } from '../../../control/cli/values.ts'
import { composeProcesses, MANIFESTS, Mounted, podProcesses, type Started, unitProcess } from '../../support/deploy-files.ts'

/** Every process of ours that a file of deploy/ starts. */
export function allProcesses(t: { teardown(remove: () => void): void }): readonly Started[] {
  const mounted = () => {
    const fresh = new Mounted()
    t.teardown(() => fresh.remove())
    return fresh
  }
  return [
    ...composeProcesses(mounted),
    ...MANIFESTS.flatMap(file => podProcesses(file, mounted)),
    unitProcess('outrider-control.service', '', mounted),
    unitProcess('outrider-proxy@.service', 'orders', mounted),
  ]
}

/** What the program makes of a process' command line. Throws where it would not start. */
export function invocationOf({ where, words, environment }: Started) {
  const command = COMMANDS.find(({ name }) => name === words[0])
  if (command === undefined) throw new Error(`${where}: there is no outrider ${words[0]}`)
  const invocation = readInvocation(command, words.slice(1), environment, COMMANDS)
  if (invocation.faults.length > 0) throw new Error(`${where}: ${invocation.faults.join('; ')}`)
  return { name: command.name, ...invocation }
}

/** Ports that flags have by default. */
function portsOf(flags: readonly { readonly default?: string; readonly name: string }[], ...names: string[]): number[] {
  return flags.filter(({ name }) => names.includes(name)).map(each => parseAddress(each.default as string)?.port as number)
}

/** Of a sidecar's listeners that others reach: inbound, health. */
export const SIDECAR_PORTS = portsOf(SIDECAR_FLAGS, 'inbound', 'health')
/** Of a control plane: API, xDS. */
export const CONTROL_PORTS = portsOf(controlCommand.flags, 'api', 'xds')
