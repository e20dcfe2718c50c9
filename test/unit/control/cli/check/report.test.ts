import t from 'tap'
import { Findings, worst } from '../../../../../control/cli/check/finding.ts'
import { reportText, reportValue } from '../../../../../control/cli/check/report.ts'
import { createOutput } from '../../../../../control/cli/output.ts'

const FINDINGS = [
  new Findings('disk').ok('/data is writable'),
  new Findings('ports').fault('15001 is taken', 'stop it'),
  new Findings('dns').warning('no answer', 'mend it'),
  new Findings('app').skipped('none'),
]

const output = (isTty: boolean) => createOutput({ write: () => {}, isTty }, { write: () => {}, isTty: false }, {})

t.test('a line for each finding, what to do below it, and a sum', async t => {
  t.equal(
    reportText(FINDINGS, output(false)),
    [
      'ok       disk   /data is writable',
      'fault    ports  15001 is taken',
      '                fix: stop it',
      'warning  dns    no answer',
      '                fix: mend it',
      'skipped  app    none',
      '',
      '1 fault, 1 warning, 1 ok, 1 skipped',
    ].join('\n'),
  )
})

t.test('colour only on a terminal, and it moves no column', async t => {
  const coloured = reportText(FINDINGS, output(true))
  t.match(coloured, '\x1b[31mfault  \x1b[0m  ports')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what colour is made of
  t.equal(coloured.replace(/\x1b\[\d+m/g, ''), reportText(FINDINGS, output(false)))
})

t.test('the worst of all is what scripts look at', async t => {
  t.same(reportValue(FINDINGS), { state: 'fault', items: FINDINGS })
  t.equal(worst(FINDINGS.slice(2)), 'warning')
  t.equal(worst([new Findings('app').skipped('none')]), 'ok')
})
