import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'

const ROOT = join(import.meta.dirname, '../..')
const pages = [
  ...readdirSync(ROOT).filter(name => name.endsWith('.md')),
  ...['docs', 'deploy'].flatMap(folder =>
    (readdirSync(join(ROOT, folder), { recursive: true }) as string[]).filter(name => name.endsWith('.md')).map(name => join(folder, name)),
  ),
]

/** As GitHub makes them of headings: lower case, no punctuation, hyphens for blanks. */
function anchorsOf(text: string): Set<string> {
  const headings = text.matchAll(/^#+ (.+)$/gm)
  return new Set(
    [...headings].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    ),
  )
}

t.test('every link from one page of the documentation to another leads somewhere', async t => {
  t.ok(pages.length > 30)
  for (const page of pages) {
    const text = readFileSync(join(ROOT, page), 'utf8').replace(/```[\s\S]*?```/g, '')
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^(https?:|mailto:)/.test(target)) continue
      const [path = '', anchor] = target.split('#')
      const file = path === '' ? page : join(dirname(page), path)
      t.ok(existsSync(join(ROOT, file)), `${page}: ${target}`)
      if (anchor !== undefined && file.endsWith('.md'))
        t.ok(anchorsOf(readFileSync(join(ROOT, file), 'utf8')).has(anchor), `${page}: there is no heading for ${target}`)
    }
  }
})

t.test('every page of the documentation is named on the first one', async t => {
  const index = readFileSync(join(ROOT, 'docs/README.md'), 'utf8')
  for (const page of pages.filter(each => /^docs\/[^/]+\.md$/.test(each) && each !== 'docs/README.md'))
    t.ok(index.includes(`(${page.slice('docs/'.length)})`), page)
})
