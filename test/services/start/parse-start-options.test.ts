import t from 'tap'
import { parseStartOptions } from '../../../services/start/parse-start-options.ts'
import { settingsDirectory } from '../../../services/start/settings-directory.ts'
import { optionTable, usage } from '../../../services/start/usage.ts'
import type { StartOptions } from '../../../services/core.ts'

const home = '/home/ada'

function start (argv: string[], env: NodeJS.ProcessEnv = {}): StartOptions {
  const request = parseStartOptions(argv, { platform: 'linux', home, env })
  if (request.action !== 'start') throw new Error(`expected a start, got ${request.action}`)
  return request.options
}

t.test('with nothing given it listens on loopback, on our own port, with our own settings directory', async (t) => {
  t.match(start([]), {
    host: '127.0.0.1',
    port: 8189,
    settingsDirectory: '/home/ada/.config/modelshelf',
    modelsDirectory: null,
    logLevel: 'info',
    insecure: false,
    allowedHosts: [],
    settingsOverlay: {},
    providers: {},
    persistentCache: true
  })
})

t.test('the command line wins over the environment, the environment over the defaults', async (t) => {
  const env = { MODELSHELF_HOST: '0.0.0.0', MODELSHELF_PORT: '9000', MODELSHELF_SETTINGS: '/srv/settings', MODELSHELF_MODELS: '/srv/models', MODELSHELF_LOG_LEVEL: 'error', MODELSHELF_INSECURE: '1', MODELSHELF_ALLOWED_HOSTS: 'shelf.lan, nas' }
  t.match(start([], env), { host: '0.0.0.0', port: 9000, settingsDirectory: '/srv/settings', modelsDirectory: '/srv/models', logLevel: 'error', insecure: true, allowedHosts: ['shelf.lan', 'nas'] })
  t.match(start(['--host', '::1', '--port', '0', '--settings=/tmp/x', '--models', '/m', '--log-level', 'WARNING', '--allowed-host', 'a', '--allowed-host', 'b'], env), { host: '::1', port: 0, settingsDirectory: '/tmp/x', modelsDirectory: '/m', logLevel: 'warn', allowedHosts: ['a', 'b'] })
})

t.test('empty variables count as not given', async (t) => {
  t.match(start([], { MODELSHELF_PORT: '', MODELSHELF_HOST: '', MODELSHELF_SETTINGS: '', MODELSHELF_MODELS: '', CIVITAI_API_KEY: '' }), { host: '127.0.0.1', port: 8189, modelsDirectory: null, settingsOverlay: {} })
})

t.test('--verbose means debug and wins over --log-level', async (t) => {
  t.equal(start(['--verbose', '--log-level', 'ERROR']).logLevel, 'debug')
})

t.test('keys from the environment are laid over the settings', async (t) => {
  const options = start([], { CIVITAI_API_KEY: 'k', LLM_MODEL: 'm', MODELSHELF_CIVITAI_URL: 'http://127.0.0.1:1', LORA_MANAGER_DISABLE_PERSISTENT_CACHE: '1' })
  t.same(options.settingsOverlay, { civitai_api_key: 'k', llm_model: 'm' })
  t.same(options.providers, { civitai: 'http://127.0.0.1:1' })
  t.equal(options.persistentCache, false)
})

t.test('a wrong command line is refused in one line', async (t) => {
  const wrong = [['--nonsense'], ['loras'], ['--port'], ['--port', '70000'], ['--port', 'http'], ['--port', ''], ['--log-level', 'loud'], ['--insecure=yes']]
  for (const argv of wrong) {
    t.throws(() => start(argv), { code: 'bad-arguments', message: /^[^\n]+$/ }, argv.join(' '))
  }
})

t.test('the help names every option that is understood', async (t) => {
  t.equal(parseStartOptions(['--help'], { platform: 'linux', home, env: {} }).action, 'help')
  t.equal(parseStartOptions(['--version'], { platform: 'linux', home, env: {} }).action, 'version')
  for (const [spelling] of optionTable) {
    const [name, value] = spelling.split(' ')
    const given = value === undefined ? [name ?? ''] : [name ?? '', { PORT: '1', LEVEL: 'info' }[value] ?? 'x']
    t.doesNotThrow(() => parseStartOptions(given, { platform: 'linux', home, env: {} }), spelling)
    t.match(usage(), spelling)
  }
})

t.test('each platform keeps the settings where its users look for them', async (t) => {
  t.equal(settingsDirectory({ platform: 'linux', home, env: { XDG_CONFIG_HOME: '/cfg' } }), '/cfg/modelshelf')
  t.equal(settingsDirectory({ platform: 'linux', home, env: { XDG_CONFIG_HOME: 'relative' } }), '/home/ada/.config/modelshelf')
  t.equal(settingsDirectory({ platform: 'darwin', home: '/Users/ada', env: {} }), '/Users/ada/Library/Application Support/modelshelf')
  t.equal(settingsDirectory({ platform: 'win32', home: 'C:\\Users\\ada', env: { APPDATA: 'D:\\Roaming' } }), 'D:\\Roaming\\modelshelf')
  t.equal(settingsDirectory({ platform: 'win32', home: 'C:\\Users\\ada', env: {} }), 'C:\\Users\\ada\\AppData\\Roaming\\modelshelf')
})
