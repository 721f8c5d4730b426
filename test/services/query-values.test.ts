import t from 'tap'
import { clamp, firstValue, integerOr, legacyBoolean, listValues, looseBoolean, strictInteger } from '../../services/query-values.ts'

t.test('the first value of a repeated key wins, lists keep all', async (t) => {
  t.equal(firstValue(['a', 'b']), 'a')
  t.equal(firstValue('a'), 'a')
  t.equal(firstValue(undefined), undefined)
  t.same(listValues('a'), ['a'])
  t.same(listValues(['a', 'b']), ['a', 'b'])
  t.same(listValues(undefined), [])
})

t.test('legacy booleans are true only for the word, the loose ones also for 1, yes and on', async (t) => {
  for (const text of ['true', 'TRUE', 'True']) t.equal(legacyBoolean(text), true, text)
  for (const text of ['1', 'yes', 'on', '', ' true', 'false']) t.equal(legacyBoolean(text), false, text)
  t.equal(legacyBoolean(undefined, true), true)
  t.equal(legacyBoolean(['true', 'false']), true)
  for (const text of ['1', 'yes', 'on', 'TRUE']) t.equal(looseBoolean(text), true, text)
  for (const text of ['0', '', 'no']) t.equal(looseBoolean(text), false, text)
  t.equal(looseBoolean(undefined, true), true)
})

t.test('integers are base 10 and nothing else', async (t) => {
  t.equal(strictInteger('page', '12'), 12)
  t.equal(strictInteger('page', '-3'), -3)
  t.equal(strictInteger('page', ['7', 'x']), 7)
  t.equal(strictInteger('page', '9'.repeat(400)), Number.MAX_SAFE_INTEGER)
  for (const text of ['', ' ', '1.5', '1e3', '0x10', 'abc', '1_000', '١']) t.throws(() => strictInteger('page', text), { code: 'invalid-input', message: '"page" must be an integer' }, text)
  t.equal(integerOr('page', undefined, 4), 4)
  t.throws(() => integerOr('page', '', 4), { code: 'invalid-input' })
  t.equal(clamp(500, 1, 100), 100)
  t.equal(clamp(-1, 1, 100), 1)
})
