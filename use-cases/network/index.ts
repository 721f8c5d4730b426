import type { Core } from '../../services/core.ts'
import { readNetwork } from './read-network.ts'

export type NetworkUseCases = ReturnType<typeof createNetworkUseCases>

/** What the product says of its way out to other hosts. */
export function createNetworkUseCases ({ door }: Pick<Core, 'door'>) {
  return { readNetwork: readNetwork({ door }) }
}
