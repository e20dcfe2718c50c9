import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { DEPLOY } from '../support/deploy-files.ts'

/** Runs promtool in a folder. */
function promtool(cwd: string, ...args: string[]): Promise<{ code: number; said: string }> {
  return new Promise(resolve => {
    execFile('promtool', args, { cwd }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), said: stdout + stderr }),
    )
  })
}

t.test('Prometheus takes the scrape configuration and the rules', async t => {
  const config = await promtool(DEPLOY, 'check', 'config', 'prometheus.yaml')
  t.equal(config.code, 0, config.said)
  t.match(config.said, /prometheus.yaml is valid prometheus config file syntax/)
  const rules = await promtool(DEPLOY, 'check', 'rules', 'prometheus-alerts.yaml')
  t.equal(rules.code, 0, rules.said)
})

t.test('every alert fires for what it is meant for, and none for a mesh that is well', async t => {
  const tested = await promtool(DEPLOY, 'test', 'rules', 'prometheus-alerts.test.yaml')
  t.equal(tested.code, 0, tested.said)
  const text = readFileSync(join(DEPLOY, 'prometheus-alerts.test.yaml'), 'utf8')
  for (const [, alert] of readFileSync(join(DEPLOY, 'prometheus-alerts.yaml'), 'utf8').matchAll(/- alert: (\w+)/g))
    t.equal(text.split(`alertname: ${alert}\n`).length + text.split(`alertname: ${alert},`).length - 2, 2, `${alert} is tested both ways`)
})

t.test('the configuration for Kubernetes is one, but for its discovery, which Debian builds without', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'outrider-promtool-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  cpSync(join(DEPLOY, 'prometheus-alerts.yaml'), join(folder, 'prometheus-alerts.yaml'))
  const text = readFileSync(join(DEPLOY, 'kubernetes/prometheus.yaml'), 'utf8')
  writeFileSync(
    join(folder, 'prometheus.yaml'),
    text.replaceAll(/kubernetes_sd_configs: .+/g, 'static_configs: [{ targets: ["127.0.0.1:1"] }]'),
  )
  const config = await promtool(folder, 'check', 'config', 'prometheus.yaml')
  t.equal(config.code, 0, config.said)
})
