import { posix, win32 } from 'node:path'

export interface Surroundings {
  platform: NodeJS.Platform
  home: string
  env: NodeJS.ProcessEnv
}

/**
 * Our own settings directory. Another program's directory is never taken by default: it is adopted only when the user names it.
 */
export function settingsDirectory ({ platform, home, env }: Surroundings): string {
  if (platform === 'win32') return win32.join(env.APPDATA || win32.join(home, 'AppData', 'Roaming'), 'modelshelf')
  if (platform === 'darwin') return posix.join(home, 'Library', 'Application Support', 'modelshelf')
  // The XDG specification says that a relative path there is invalid and must be ignored.
  const configured = env.XDG_CONFIG_HOME && posix.isAbsolute(env.XDG_CONFIG_HOME) ? env.XDG_CONFIG_HOME : posix.join(home, '.config')
  return posix.join(configured, 'modelshelf')
}
