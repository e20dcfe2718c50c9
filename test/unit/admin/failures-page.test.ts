import t from 'tap'
import { DEFAULT_LAST, failuresPage } from '../../../proxy/admin/failures-page.ts'

const ask = (query: string) => failuresPage(asked => [asked], new URL(`http://admin/failures${query}`))

t.test('/failures passes what is asked for, by default the last 20 of all', async t => {
  t.same(ask(''), { status: 200, body: { items: [{ id: null, last: DEFAULT_LAST, service: null, namespace: null }] } })
  t.same(ask('?id=a&last=1000&service=orders&namespace=shop').body, {
    items: [{ id: 'a', last: 1_000, service: 'orders', namespace: 'shop' }],
  })
})

t.test('/failures refuses a number that is none', async t => {
  for (const last of ['0', '1001', '-1', 'x', '1.5', ''])
    t.same(ask(`?last=${last}`), { status: 400, body: `last "${last}" is not a whole number from 1 to 1000\n` })
})
