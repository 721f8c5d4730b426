import t from 'tap'
import { createByteCollector } from '../../../services/recipes/byte-collector.ts'

t.test('texts become one run of UTF-8 however long they are, and what a failure left behind is in no later one', async (t) => {
  const collect = createByteCollector()
  const texts = ['{"a":"é"', '日本語'.repeat(250_000), '🏔'.repeat(300_000), '}']
  t.equal(collect((add) => { for (const text of texts) add(text) }).toString(), texts.join(''))
  t.throws(() => collect((add) => {
    add('half')
    throw new Error('the database went away')
  }), /went away/)
  const first = collect((add) => { add('one') })
  t.equal(collect((add) => { add('two') }).toString(), 'two')
  t.equal(first.toString(), 'one', 'it is not the buffer of the next one')
})
