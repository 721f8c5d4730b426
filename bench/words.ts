/** What the names, tags and people of a generated library are made of. */
export const baseModels = ['SDXL 1.0', 'Illustrious', 'Pony', 'SD 1.5', 'Flux.1 D', 'NoobAI', 'SD 2.1', 'Wan Video 14B t2v', 'SD 3.5', 'Hunyuan Video', 'SDXL Lightning', 'PixArt E']

export const categories = ['character', 'style', 'concept', 'clothing', 'background', 'poses', 'objects', 'vehicle', 'buildings', 'animal', 'assets', 'tool']

const adjectives = ['amber', 'ancient', 'azure', 'bright', 'broken', 'calm', 'copper', 'crimson', 'crystal', 'dark', 'deep', 'distant', 'electric', 'emerald', 'faded', 'fierce', 'frozen', 'gentle', 'golden', 'hidden', 'hollow', 'iron', 'ivory', 'jade', 'lunar', 'misty', 'mossy', 'neon', 'noble', 'obsidian', 'pale', 'paper', 'quiet', 'rainy', 'rusty', 'sacred', 'scarlet', 'silent', 'silver', 'sleepy', 'solar', 'stormy', 'velvet', 'violet', 'wandering', 'wild', 'winter', 'wooden']
const nouns = ['alley', 'archer', 'armor', 'bakery', 'balcony', 'beacon', 'bridge', 'castle', 'cat', 'cathedral', 'cloak', 'cloud', 'coast', 'comet', 'courtyard', 'desert', 'dragon', 'engine', 'feather', 'fern', 'forest', 'fountain', 'fox', 'garden', 'ghost', 'glacier', 'harbor', 'helmet', 'horizon', 'island', 'jacket', 'kimono', 'knight', 'lantern', 'library', 'lighthouse', 'mage', 'marble', 'market', 'meadow', 'mirror', 'mountain', 'ocean', 'orchard', 'owl', 'palace', 'pilot', 'portrait', 'queen', 'raven', 'river', 'robot', 'rose', 'samurai', 'scarf', 'shrine', 'spirit', 'station', 'street', 'summit', 'temple', 'tower', 'train', 'tree', 'valley', 'village', 'violin', 'wave', 'whale', 'witch', 'wolf', 'workshop']

export const names: readonly string[] = adjectives.flatMap((adjective) => nouns.map((noun) => `${adjective} ${noun}`))

/** Tags from the most to the least used: the categories, single words, then rare pairs. */
export const tags: readonly string[] = [...categories, 'anime', 'realistic', 'photorealistic', 'furry', 'toon', 'action', ...nouns, ...adjectives, ...names.filter((_, index) => index % 4 === 0)]

export const creators: readonly string[] = adjectives.flatMap((adjective, row) => nouns.filter((_, column) => (row + column) % 5 === 0).map((noun) => `${adjective}_${noun}`))
