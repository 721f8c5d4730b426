import t from 'tap'
import { createGlob } from '../../../services/files/glob.ts'

t.test('stars cross slashes, marks take one character, brackets a set; the whole text must match', (t) => {
  const rows: [string, string, boolean][] = [
    ['*.safetensors', 'a/b.safetensors', true],
    ['*.safetensors', 'a.safetensors.bak', false],
    ['wip/*', 'wip/a/b', true],
    ['wip/*', 'my/wip/a', false],
    ['*wip*', 'my/wip/a', true],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['?', '𝒳', true],
    ['v[0-9]*', 'v3 final', true],
    ['v[!0-9]', 'v3', false],
    ['v[!0-9]', 'vx', true],
    ['[]x]', ']', true],
    ['[!]x]', ']', false],
    ['[a-]', '-', true],
    ['[abc', '[abc', true],
    ['[', '[', true],
    ['', '', true],
    ['', 'x', false],
    ['*', '', true],
    ['**a**b**', 'xaxbx', true],
    ['a*b*c', 'a-c-b', false],
    ['(x).+', '(x).+', true],
    ['A*', 'abc', false]
  ]
  for (const [pattern, text, expected] of rows) t.equal(createGlob(pattern)(text), expected, `${pattern} on ${text}`)
  t.equal(createGlob('A*', { foldCase: true })('abc'), true)
  t.end()
})

t.test('a hostile pattern takes time in proportion, not in powers', (t) => {
  const glob = createGlob(`${'*a'.repeat(500)}b`)
  const begun = performance.now()
  t.equal(glob('a'.repeat(4000)), false)
  t.ok(performance.now() - begun < 1000)
  t.end()
})
