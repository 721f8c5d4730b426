/** `encodeURIComponent` leaves these as they are, which some clients and proxies stumble over. */
const LEFT_OVER = /[!'()*]/g

/** Address of a preview file for `<img>` and `<video>`, nothing left unescaped; "" without a preview. */
export function previewUrl (path: string): string {
  if (path === '') return ''
  const encoded = encodeURIComponent(path).replaceAll(LEFT_OVER, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
  return `/api/lm/previews?path=${encoded}`
}
