import { lookup as systemLookup, type LookupAddress, type LookupOptions } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { InvalidInputError } from '../errors.ts'

/** The address of a user's or a remote document's URL is none that this program fetches from. One text for every reason. */
export class AddressRefusedError extends InvalidInputError {
  constructor (options?: ErrorOptions) { super('This address is not one that can be fetched from', 'address-refused', options) }
}

type Network = readonly [base: readonly number[], bits: number]

/** Not reachable from the public internet, or no single host: IANA's special-purpose registry, multicast and reserved space. */
const refused4: readonly Network[] = [
  [[0], 8], [[10], 8], [[100, 64], 10], [[127], 8], [[169, 254], 16], [[172, 16], 12], [[192, 0, 0], 24], [[192, 0, 2], 24], [[192, 31, 196], 24],
  [[192, 52, 193], 24], [[192, 88, 99], 24], [[192, 168], 16], [[192, 175, 48], 24], [[198, 18], 15], [[198, 51, 100], 24], [[203, 0, 113], 24], [[224], 4], [[240], 4]
]
/** Only 2000::/3 is global unicast; these parts of it are not. */
const global6: Network = [[0x20], 3]
const refused6: readonly Network[] = [
  [[0x20, 0x01, 0x00], 23], [[0x20, 0x01, 0x0d, 0xb8], 32], [[0x26, 0x20, 0x00, 0x4f, 0x80, 0x00], 48], [[0x3f, 0xff, 0x00], 20]
]
/** IPv6 addresses that stand for an IPv4 one, with the byte where it begins: NAT64 and 6to4. They are as public as that one. */
const embedding6: readonly (readonly [Network, number])[] = [
  [[[0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0], 96], 12],
  [[[0x20, 0x02], 16], 2]
]
const MAPPED: Network = [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff], 96]

/** Whether an IP address, as text without brackets, belongs to a host of the public internet. */
export function isPublicAddress (address: string): boolean {
  const version = isIP(address)
  if (version === 4) return isPublic4(address.split('.').map(Number))
  return version === 6 && !address.includes('%') && isPublic6(bytes6(address))
}

function isPublic4 (bytes: readonly number[]): boolean {
  return !refused4.some((network) => within(bytes, network))
}

function isPublic6 (bytes: readonly number[]): boolean {
  // A mapped address is how a socket of the machine spells IPv4.
  if (within(bytes, MAPPED)) return isPublic4(bytes.slice(12))
  for (const [network, offset] of embedding6) if (within(bytes, network)) return isPublic4(bytes.slice(offset, offset + 4))
  return within(bytes, global6) && !refused6.some((network) => within(bytes, network))
}

function within (bytes: readonly number[], [base, bits]: Network): boolean {
  for (let index = 0, left = bits; left > 0; index++, left -= 8) {
    const mask = left >= 8 ? 0xff : 0xff << (8 - left) & 0xff
    if (((bytes[index] ?? 0) & mask) !== ((base[index] ?? 0) & mask)) return false
  }
  return true
}

/** The 16 bytes of a valid IPv6 address. */
function bytes6 (address: string): number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address)
  const [, head = '', ...quad] = dotted ?? []
  const [a = 0, b = 0, c = 0, d = 0] = quad.map(Number)
  const text = dotted ? `${head}${(a << 8 | b).toString(16)}:${(c << 8 | d).toString(16)}` : address
  const [left = '', right] = text.split('::')
  const before = groups(left)
  const after = groups(right ?? '')
  const filled = right === undefined ? before : [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after]
  return filled.flatMap((group) => [group >> 8, group & 0xff])
}

const groups = (text: string): number[] => text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))

/**
 * Reads a URL that a user or a remote document named.
 * @throws AddressRefusedError unless it is http(s) without credentials; a host given as an IP address must be public
 */
export function readPublicUrl (text: string, isExempt: (origin: string) => boolean = () => false): URL {
  const url = URL.canParse(text) ? new URL(text) : null
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.username !== '' || url.password !== '') throw new AddressRefusedError()
  if (isExempt(url.origin)) return url
  // The URL parser has already brought every spelling of an IPv4 address (hexadecimal, octal, one number) to the dotted form.
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname
  if (isIP(host) !== 0 && !isPublicAddress(host)) throw new AddressRefusedError()
  return url
}

type Resolve = (hostname: string, options: LookupOptions & { all: true }, callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void) => void

/**
 * The name resolution of a connector, so that what is checked is what is connected to, whatever the name server answers the next time.
 * A name with any address that is not public is refused as a whole.
 */
export function createGuardedLookup (resolve: Resolve = systemLookup): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses ?? []
      if (error) return callback(error, '', 0)
      if (!first || addresses.some(({ address }) => !isPublicAddress(address))) return callback(new AddressRefusedError(), '', 0)
      if (options.all) callback(null, addresses)
      else callback(null, first.address, first.family)
    })
  }
}
