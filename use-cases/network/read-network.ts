import type { Door, NetworkStatus } from '../../services/network/types.ts'

/** Every destination with its purpose, switch and counters, and what each host asked so far bears. No addresses beyond origins. */
export const readNetwork = ({ door }: { door: Pick<Door, 'status'> }) => (): NetworkStatus => door.status()
