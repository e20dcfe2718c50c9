import { appCheck } from './app.ts'
import { appExposureCheck } from './app-exposure.ts'
import type { Check } from './check.ts'
import { clockCheck } from './clock.ts'
import { configurationCheck } from './configuration.ts'
import { controlPlaneCheck } from './control-plane.ts'
import { diskCheck } from './disk.ts'
import { dnsCheck } from './dns.ts'
import { type Asked, gather } from './facts.ts'
import type { Finding } from './finding.ts'
import type { Machine } from './machine.ts'
import { openFilesCheck } from './open-files.ts'
import { portsCheck } from './ports.ts'
import { proxyVariablesCheck } from './proxy-variables.ts'
import { runtimeCheck } from './runtime.ts'
import { sidecarCheck } from './sidecar.ts'
import { sidecarsCheck } from './sidecars.ts'
import { versionsCheck } from './versions.ts'
import { xdsCheck } from './xds.ts'

/** Every check, in the order in which they are shown: the machine, then the mesh, then the app. To add one: write its file and its section of docs/check.md, and name it here. */
export const CHECKS: readonly Check[] = [
  runtimeCheck,
  openFilesCheck,
  diskCheck,
  dnsCheck,
  portsCheck,
  controlPlaneCheck,
  xdsCheck,
  clockCheck,
  versionsCheck,
  sidecarsCheck,
  sidecarCheck,
  configurationCheck,
  appCheck,
  appExposureCheck,
  proxyVariablesCheck,
]

/** Runs all of them at once. Takes three waits of the machine at most. */
export async function runChecks(machine: Machine, asked: Asked): Promise<readonly Finding[]> {
  const facts = await gather(machine, asked)
  return (await Promise.all(CHECKS.map(check => check.run(machine, facts)))).flat()
}
