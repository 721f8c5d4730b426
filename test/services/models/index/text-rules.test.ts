import t from 'tap'
import fc from 'fast-check'
import { compareNatural, comparePlain } from '../../../../services/models/compare-texts.ts'
import { codePointOrder, naturalKey, plainKey } from '../../../../services/models/natural-key.ts'
import { namePattern } from '../../../../services/models/name-pattern.ts'
import { canBeSimilar, similarity } from '../../../../services/models/similarity.ts'
import { compareNaturally } from './reference.ts'

t.test('natural keys order as chunk by chunk comparison does', async (t) => {
  const text = fc.string({ unit: fc.constantFrom('a', 'B', ' ', '_', '0', '1', '9', 'é', '.'), maxLength: 12 })
  let compared = 0
  fc.assert(fc.property(text, text, (a, b) => {
    compared++
    return Math.sign(naturalKey(a) < naturalKey(b) ? -1 : naturalKey(a) > naturalKey(b) ? 1 : 0) === Math.sign(compareNaturally(a, b))
  }), { numRuns: 3000 })
  t.ok(compared >= 3000)
  t.equal(naturalKey('V٣'), naturalKey('v3'), 'digits of other scripts are digits')
  t.equal(naturalKey('v１２'), naturalKey('v012'))
  t.ok(naturalKey('a' + '9'.repeat(400)) > naturalKey('a' + '8'.repeat(400)))
})

t.test('characters beyond U+FFFF come behind all others', async (t) => {
  t.ok(codePointOrder('🌸') > codePointOrder('ｆ'))
  t.ok(codePointOrder('ｆ') > codePointOrder('한'))
  t.equal(codePointOrder('plain'), 'plain')
})

t.test('similarity is Ratcliff-Obershelp', async (t) => {
  t.equal(similarity('', ''), 1)
  t.equal(similarity('abc', 'abc'), 1)
  t.equal(similarity('abc', 'xyz'), 0)
  t.equal(similarity('abcd', 'bcde'), 0.75)
  t.equal(similarity('watercolor', 'watercolour'), 20 / 21)
  t.equal(similarity('tide', 'diet'), 0.25, 'the earliest of the longest blocks decides')
  fc.assert(fc.property(fc.string({ maxLength: 9 }), fc.string({ maxLength: 9 }), (a, b) => similarity(a, b) < 0.85 || canBeSimilar(a.length, b.length, 0.85)))
})

t.test('patterns of clients cannot run away', async (t) => {
  const hostile = namePattern('(a+)+$', true)
  const start = performance.now()
  t.equal(hostile?.('a'.repeat(200) + '!'), false)
  t.ok(performance.now() - start < 1000)
  t.equal(namePattern('(?=x)', true)?.('a(?=X)b'), true, 'what the engine does not know is plain text')
  t.equal(namePattern('a'.repeat(1025), true)?.('A'.repeat(1025)), true)
  t.equal(namePattern('x.z', false)?.('xyz'), false)
  t.equal(namePattern('X.Z', true)?.('xyz'), true)
  t.equal(namePattern('  ', true), null)
})

t.test('texts compare as their keys do, whatever is in them', (t) => {
  const sign = (a: string, b: string): number => a < b ? -1 : a > b ? 1 : 0
  const piece = fc.constantFrom('a', 'B', 'b', '0', '00', '1', '9', '12', '2', '\u0663', '\uff12', 'é', 'É', 'İ', '\u0301', '/', '.', '_', '\u{1d7d7}', '\ud800', 'z', '-')
  const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''))
  fc.assert(fc.property(text, text, (a, b) => {
    return Math.sign(compareNatural(a, b)) === sign(naturalKey(a), naturalKey(b)) && Math.sign(comparePlain(a, b)) === sign(plainKey(a), plainKey(b))
  }), { numRuns: 5000 })
  t.ok(compareNatural('v2', 'V10') < 0)
  t.equal(compareNatural('v02', 'V2'), 0)
  t.end()
})
