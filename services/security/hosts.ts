import { BlockList, isIP } from 'node:net'

const privateAddresses = new BlockList()
for (const [address, prefix] of [['10.0.0.0', 8], ['172.16.0.0', 12], ['192.168.0.0', 16], ['169.254.0.0', 16], ['127.0.0.0', 8], ['100.64.0.0', 10]] as const) {
  privateAddresses.addSubnet(address, prefix, 'ipv4')
}
for (const [address, prefix] of [['::1', 128], ['fc00::', 7], ['fe80::', 10]] as const) privateAddresses.addSubnet(address, prefix, 'ipv6')

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

function contains (list: BlockList, address: string): boolean {
  // IPv4 clients of a dual-stack socket arrive as ::ffff:a.b.c.d
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
  const family = isIP(plain)
  return family !== 0 && list.check(plain, family === 4 ? 'ipv4' : 'ipv6')
}

export const isPrivateAddress = (address: string): boolean => contains(privateAddresses, address)

export function isLoopback (host: string): boolean {
  return host === 'localhost' || contains(loopback, host)
}

/** Host name of a Host header in lower case, without port and brackets; null when it is none. */
export function hostnameOf (header: string | undefined): string | null {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(header ?? '')
  return (match?.[1] ?? match?.[2])?.toLowerCase() ?? null
}

const KNOWN_HEADERS = 64

/**
 * Host names that requests may carry. A page of another site that points its own name at this machine is refused here.
 * On a wildcard address any IP literal is one we listen on (address translation hides which): rebinding needs a name.
 */
export function createHostRule (listen: string, allowedHosts: readonly string[]): (header: string | undefined) => boolean {
  const address = hostnameOf(listen.includes(':') && !listen.startsWith('[') ? `[${listen}]` : listen) ?? listen
  const wildcard = address === '0.0.0.0' || address === '::'
  const names = new Set([address, ...allowedHosts.map((host) => hostnameOf(host) ?? host.toLowerCase())])
  const judge = (name: string | null): boolean => name !== null && (isLoopback(name) || names.has(name) || (wildcard && isIP(name) !== 0))
  // Almost every request carries one of very few spellings.
  const known = new Map<string, boolean>()
  return (header = '') => {
    const verdict = known.get(header) ?? judge(hostnameOf(header))
    if (known.size < KNOWN_HEADERS) known.set(header, verdict)
    return verdict
  }
}
