import t from 'tap'
import fc from 'fast-check'
import { DomainError } from '../../../services/errors.ts'
import { containedIn, longestMatchingRoot, normalizeClientPath, relativeInside } from '../../../services/files/safe-path.ts'

t.test('paths of clients get one spelling', async (t) => {
  const spellings: [string, string][] = [
    ['/m/loras', '/m/loras'],
    ['/m/loras/', '/m/loras'],
    ['//m///loras//a.safetensors', '/m/loras/a.safetensors'],
    ['/m/loras/./x/../a', '/m/loras/a'],
    ['\\m\\loras\\a', '/m/loras/a'],
    ['/m/../../../etc/passwd', '/etc/passwd'],
    ['/m/..\\..\\etc', '/etc'],
    ['/', '/']
  ]
  for (const [given, expected] of spellings) t.equal(normalizeClientPath(given, false), expected, given)
})

t.test('text that is no absolute path is refused with 400, whatever is on the disk', async (t) => {
  for (const given of ['', 'loras/a', '../etc/passwd', './a', '~/a', '/m/a\0.safetensors', `/${'a'.repeat(5000)}`, 'C:\\models']) {
    t.throws(() => normalizeClientPath(given, false), { kind: 'invalid', code: 'path-invalid' }, JSON.stringify(given.slice(0, 20)))
  }
})

t.test('drives and shares are known on Windows, device namespaces refused', async (t) => {
  t.equal(normalizeClientPath('C:\\models\\..\\loras\\', true), 'C:/loras')
  t.equal(normalizeClientPath('C:/', true), 'C:/')
  t.equal(normalizeClientPath('\\\\nas\\share\\..\\..\\a', true), '//nas/share/a')
  t.equal(normalizeClientPath('C:\\loras.\\a .', true), 'C:/loras/a', 'trailing dots and spaces are no part of a name there')
  for (const given of ['C:loras', '\\\\?\\C:\\a', '\\\\.\\pipe\\x', '/unix', '//nas', 'C:/a/...']) {
    t.throws(() => normalizeClientPath(given, true), { code: 'path-invalid' }, given)
  }
})

t.test('containment counts whole components', async (t) => {
  t.ok(containedIn('/m/lora', '/m/lora'))
  t.ok(containedIn('/m/lora', '/m/lora/a'))
  t.notOk(containedIn('/m/lora', '/m/lora2/a'))
  t.notOk(containedIn('/m/lora/a', '/m/lora'))
  t.ok(containedIn('/', '/anything'))
  t.ok(containedIn('C:/Models', 'c:/models/a', true))
  t.notOk(containedIn('/Models', '/models/a', false))
  t.equal(relativeInside('/m/lora', '/m/lora/x/a'), 'x/a')
  t.equal(relativeInside('/m/lora', '/m/lora'), '')
  t.equal(relativeInside('/m/lora', '/m/lora2'), undefined)
})

t.test('the innermost root wins', async (t) => {
  const roots = [{ path: '/m' }, { path: '/m/loras' }, { path: '/m/lora' }]
  t.equal(longestMatchingRoot(roots, '/m/loras/a')?.path, '/m/loras')
  t.equal(longestMatchingRoot(roots, '/m/x')?.path, '/m')
  t.equal(longestMatchingRoot(roots, '/n'), undefined)
})

t.test('no text, however spelled, is normalised to something with dots, doubled slashes or a relative form', async (t) => {
  const segment = fc.constantFrom('..', '.', '', 'a', 'loras', '...', '\\..\\', '%2e%2e', 'é', ' ')
  const outcome = fc.check(fc.property(fc.array(segment, { maxLength: 12 }), fc.constantFrom('/', '\\', '//'), (segments, separator) => {
    try {
      const path = normalizeClientPath(`/${segments.join(separator)}`, false)
      return path.startsWith('/') && !path.includes('//') && !path.split('/').some((part) => part === '..' || part === '.') && normalizeClientPath(path, false) === path
    } catch (error) {
      return error instanceof DomainError
    }
  }))
  t.notOk(outcome.failed, String(outcome.counterexample))
})
