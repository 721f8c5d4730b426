/** One line per option: spelling, environment variable, meaning. The help text and the README are made of the same words. */
export const optionTable = [
  ['--models DIR', 'MODELSHELF_MODELS', 'a whole models folder (ComfyUI, A1111/Forge or plain), laid over the settings for this run'],
  ['--settings DIR', 'MODELSHELF_SETTINGS', 'folder of settings.json, caches and state'],
  ['--host HOST', 'MODELSHELF_HOST', 'address to listen on (127.0.0.1)'],
  ['--port PORT', 'MODELSHELF_PORT', 'port to listen on (8189); 0 takes a free one'],
  ['--log-level LEVEL', 'MODELSHELF_LOG_LEVEL', 'trace, debug, info, warning, error or critical (info)'],
  ['--verbose', '', 'the same as --log-level debug'],
  ['--allowed-host NAME', 'MODELSHELF_ALLOWED_HOSTS', 'a further host name that requests may name; repeatable, or comma-separated in the environment'],
  ['--insecure', 'MODELSHELF_INSECURE', 'listen beyond this machine without a token'],
  ['--import-extra-model-paths FILE', '', "add the folders of ComfyUI's extra_model_paths.yaml to the settings, then start"],
  ['--help', '', 'show this text'],
  ['--version', '', 'show the version']
] as const

/** Further variables that have no option, because a command line is visible to other users of the machine. */
export const variableTable = [
  ['CIVITAI_API_KEY', 'key for CivitAI, for this run only'],
  ['LLM_PROVIDER, LLM_API_BASE, LLM_MODEL, LLM_API_KEY', 'language model for enrichment, for this run only'],
  ['MODELSHELF_CIVITAI_URL, MODELSHELF_CIVARCHIVE_URL, MODELSHELF_HUGGINGFACE_URL', 'other base addresses of the providers'],
  ['MODELSHELF_STORAGE_URL', 'a host inside your network that serves files and pictures of providers'],
  ['MODELSHELF_ARIA2C_PATH', 'path of the aria2c program'],
  ['MODELSHELF_PERSISTENT_CACHE=0', 'keep no rows on disk and scan at every start']
] as const

/** What it does instead of starting the server. */
export const commandTable = [
  ['token [--settings DIR]', 'make a new access token, which takes the place of the former one, and show it']
] as const

export function usage (): string {
  const commands = commandTable.map(([spelling, meaning]) => `  ${spelling.padEnd(33)}${meaning}`)
  const options = optionTable.map(([spelling, variable, meaning]) => `  ${spelling.padEnd(33)}${meaning}${variable ? `  [${variable}]` : ''}`)
  const variables = variableTable.map(([names, meaning]) => `  ${names}\n${' '.repeat(35)}${meaning}`)
  return ['Usage: modelshelf [command] [options]   (from a checkout: npm start -- [command] [options])', '', 'Without a command it starts the server. Commands', ...commands, '', 'Options  [environment variable]', ...options, '', 'Only from the environment', ...variables, ''].join('\n')
}
