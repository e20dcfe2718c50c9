import t from 'tap'
import { RunningApi, service } from './running-api.ts'

t.test('GET /v1/version says which program answers, whose documents it has, and their revision', async t => {
  const api = await new RunningApi().start()
  t.teardown(() => api.stop())
  t.same((await api.call('GET', '/v1/version')).json, { version: '1.2.3', storeId: api.store.id, revision: 0 })
  await api.call('PUT', '/v1/service/default/orders', service('orders'))
  t.equal((await api.call('GET', '/v1/version')).json.revision, 1)
  t.equal((await api.call('POST', '/v1/version')).headers['allow'], 'GET, HEAD')
})
