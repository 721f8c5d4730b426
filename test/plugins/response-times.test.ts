import t from 'tap'
import { createResponseTimes } from '../../plugins/response-times.ts'

t.test('durations are counted in cumulative buckets, by route, method and status', (t) => {
  const times = createResponseTimes()
  const [list, other] = [{ url: '/list' }, { url: '/other' }]
  for (const seconds of [0.0005, 0.001, 0.004, 60]) times.note(list, 'GET', 200, seconds)
  times.note(list, 'GET', 400, 0.2)
  times.note(list, 'HEAD', 200, 0.2)
  times.note(other, 'GET', 200, 0.2)
  const values = times.values('seconds')
  const read = (metric: string, labels: Record<string, string | number>) => values.find((value) => value.metricName === metric && Object.entries(labels).every(([name, text]) => value.labels[name] === text))?.value
  const labels = { method: 'GET', route: '/list', status: '200' }
  t.equal(read('seconds_bucket', { ...labels, le: 0.001 }), 2, 'a bound belongs to its bucket')
  t.equal(read('seconds_bucket', { ...labels, le: 0.0025 }), 2)
  t.equal(read('seconds_bucket', { ...labels, le: 0.005 }), 3)
  t.equal(read('seconds_bucket', { ...labels, le: 30 }), 3, 'what took longer than the last bound')
  t.equal(read('seconds_bucket', { ...labels, le: '+Inf' }), 4, 'is in the total')
  t.equal(read('seconds_count', labels), 4)
  t.equal(read('seconds_sum', labels), 60.0055)
  t.equal(read('seconds_count', { ...labels, status: '400' }), 1)
  t.equal(read('seconds_count', { ...labels, method: 'HEAD' }), 1)
  t.equal(read('seconds_count', { ...labels, route: '/other' }), 1)
  t.end()
})

t.test('what several scopes do not know is one route', (t) => {
  const times = createResponseTimes()
  times.note({}, 'GET', 404, 0.002)
  times.note({}, 'GET', 404, 0.003)
  const counts = times.values('seconds').filter(({ metricName }) => metricName === 'seconds_count')
  t.strictSame(counts, [{ labels: { method: 'GET', route: 'unmatched', status: '404' }, metricName: 'seconds_count', value: 2 }])
  t.end()
})
