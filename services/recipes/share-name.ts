/** Name under which a recipe is downloaded: its title as plain ASCII, else its id, else "recipe" (recipes §16.1). */
export function shareName (title: string, id: string, extension: string): string {
  return `recipe_${slugOf(title) || slugOf(id) || 'recipe'}${extension}`
}

function slugOf (text: string): string {
  const ascii = text.normalize('NFKD').replace(/[^\0-\x7f]/g, '')
  return ascii.replace(/[^A-Za-z0-9._-]+/g, '_').replace(/_+/g, '_').replace(/^[._-]+|[._-]+$/g, '').toLowerCase()
}
