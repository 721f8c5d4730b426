/** What Node is started with to run a source file in a process of its own. */
export const sourceArguments: readonly string[] = ['--import', new URL('../../loader.mjs', import.meta.url).href, '--no-warnings']
