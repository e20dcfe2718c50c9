import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { METRICS } from '../../../proxy/telemetry/metric-names.ts'
import { DEPLOY, readYaml, type Tree } from '../../support/deploy-files.ts'

/** Labels of each metric that there is; what Prometheus itself adds is not among them. */
const LABELS = new Map<string, readonly string[]>(Object.values(METRICS).map(({ name, labels }) => [name, labels]))
for (const [, name, label] of readFileSync(join(DEPLOY, '../control/api/health.ts'), 'utf8').matchAll(
  /'(outrider_control_\w+)'[\s\S]*?(?:\{(\w+)=|\[\['')/g,
))
  LABELS.set(name as string, label === undefined ? [] : [label])
const FROM_PROMETHEUS = ['job', 'instance', 'le']

const rules: Tree[] = readYaml('prometheus-alerts.yaml').groups.flatMap(({ rules }: Tree) => rules)

t.test('alerts name metrics and labels that there are', async t => {
  t.equal(rules.length, 9)
  for (const { alert, expr } of rules) {
    const names = new Set([...expr.matchAll(/\b(outrider_\w+|up)\b/g)].map(([name]) => name.replace(/_bucket$/, '')))
    const known = [...names].filter(name => name !== 'up').flatMap(name => LABELS.get(name) ?? [`${name} does not exist`])
    t.notMatch(known.join(), /does not exist/, alert)
    const used = [...expr.matchAll(/\{([^}]*)\}/g)].flatMap(([, matchers]) =>
      [...(matchers as string).matchAll(/(\w+)(?==)/g)].map(([label]) => label),
    )
    const by = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, labels]) => (labels as string).split(/, ?/))
    for (const label of [...used, ...by]) t.ok([...known, ...FROM_PROMETHEUS].includes(label), `${alert}: ${label}`)
  }
})

t.test('what an alert says is filled in by labels that it keeps', async t => {
  for (const { alert, expr, annotations } of rules) {
    t.ok(annotations.summary && annotations.description, alert)
    const kept = /^(sum by|histogram_quantile)/.test(expr)
      ? [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, labels]) => (labels as string).split(/, ?/))
      : ['instance', 'limit']
    for (const [, label] of annotations.summary.matchAll(/\$labels\.(\w+)/g)) t.ok(kept.includes(label), `${alert}: ${label}`)
  }
})
