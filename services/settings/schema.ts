import { modelTypes } from '../models/types.ts'
import { address, anything, flag, folderLists, names, number, object, oneOf, origins, text, textMap } from './kinds.ts'
import type { Kind } from './kinds.ts'
import { deepFreeze } from './plain-data.ts'

/**
 * shown: answered as it is · hidden: not answered · secret: answered as `<key>_set` only ·
 * masked: answered as a mask, which means "unchanged" when it comes back.
 */
export type Exposure = 'shown' | 'hidden' | 'secret' | 'masked'

export interface SettingRow {
  key: string
  /** What it does, for people. */
  meaning: string
  kind: Kind
  /** undefined: unset until someone sets it. */
  fallback: unknown
  exposure: Exposure
  /** Kept with the library, mirrored at the top level of the file. */
  perLibrary: boolean
  /** Written to the file even when it has its default value. */
  alwaysWritten: boolean
  /** Why HTTP clients may not change it, or null when they may. */
  locked: string | null
}

type RowOptions = Partial<Omit<SettingRow, 'key' | 'meaning' | 'kind' | 'fallback'>>

function row (key: string, meaning: string, kind: Kind, fallback?: unknown, options: RowOptions = {}): SettingRow {
  const reading = fallback === undefined ? { value: undefined } : kind.read(fallback)
  if ('reason' in reading) throw new TypeError(`The default of ${key} ${reading.reason}`)
  return { key, meaning, kind, fallback: deepFreeze(reading.value), exposure: 'shown', perLibrary: false, alwaysWritten: false, locked: null, ...options }
}

export const SECRET_MASK = '********'
/** Sent instead of a value, it removes the key. */
export const DELETE_WORD = '__DELETE__'
/** What the settings template of the family bears where a key belongs. */
export const PLACEHOLDER_KEY = 'your_civitai_api_key_here'

const PRIORITY_TAGS = 'character, concept, clothing, realistic, anime, toon, furry, style, poses, background, tool, vehicle, buildings, objects, assets, animal, action'
const priorityTags = Object.fromEntries(modelTypes.map(({ name }) => [name, PRIORITY_TAGS]))

const FILE_ONLY = 'is taken from settings.json, the environment or the command line and can\'t be changed here'
const BY_LIBRARY_ROUTES = 'is changed through the library routes'
const BY_START = 'can\'t be switched while the program runs: the settings directory is chosen at the start with --settings'

const secret: RowOptions = { exposure: 'secret' }
const hidden: RowOptions = { exposure: 'hidden' }
const perLibrary: RowOptions = { perLibrary: true }

/** Every setting we know; a further one is one more row. Other keys are kept and answered as they came. */
export const settingRows: readonly SettingRow[] = [
  row('civitai_api_key', 'Key for CivitAI: downloads that ask for a login, and higher limits', text(), '', { exposure: 'secret', alwaysWritten: true }),
  row('huggingface_token', 'Token for Hugging Face: repositories that ask for a login', text(), '', secret),
  row('civitai_host', 'Host of links to pages of CivitAI; requests always go to its API', oneOf(['civitai.com', 'civitai.red', 'civitai.green'], { fold: 'lower', otherwise: 'civitai.com' }), 'civitai.com'),
  row('download_backend', 'Kept for other programs; downloads are done here either way', oneOf(['python', 'aria2'], { fold: 'lower', otherwise: 'python' }), 'python'),
  row('aria2c_path', 'Kept for other programs: path of their download tool', text(), '', { locked: FILE_ONLY }),
  row('use_portable_settings', 'Kept for other programs; the settings directory is chosen with `--settings`', flag(), false, { locked: BY_START }),
  row('hash_chunk_size_mb', 'Kept for other programs: megabytes they read at a time for a hash', number({ floor: 0.0625, ceiling: 1024 }), 4, hidden),
  row('download_stall_timeout_seconds', 'Seconds without data after which a download connects anew; 120 when unset', number({ floor: 30, ceiling: 86_400 }), undefined, hidden),
  row('language', 'Language of the pages; unset, the browser decides', text(), 'en'),
  row('show_only_sfw', 'Leave models with mature previews out of the lists', flag(), false),
  row('onboarding_completed', 'Kept for clients: the introduction was seen', flag(), false),
  row('dismissed_banners', 'Kept for clients: notices that were put away', names(), []),
  row('enable_metadata_archive_db', 'Ask the downloaded archive of metadata too', flag(), false),
  row('enable_civarchive_api', 'Ask CivArchive for what CivitAI does not know', flag(), true),
  row('metadata_provider_order', 'Which of the two is asked first after CivitAI', oneOf(['civitai_archive_sqlite', 'civitai_sqlite_archive'], { otherwise: 'civitai_archive_sqlite' }), 'civitai_archive_sqlite'),
  row('proxy_enabled', 'Reach other hosts through the proxy below', flag(), false),
  row('proxy_type', 'Protocol of the proxy', oneOf(['http', 'https', 'socks4', 'socks5'], { fold: 'lower' }), 'http'),
  row('proxy_host', 'Host of the proxy', text(), ''),
  row('proxy_port', 'Port of the proxy', text(), ''),
  row('proxy_username', 'User name for the proxy', text(), ''),
  row('proxy_password', 'Password for the proxy', text(), '', { exposure: 'masked' }),
  row('default_lora_root', 'Folder that takes new LoRAs; one of `loras`', text(), '', perLibrary),
  row('default_checkpoint_root', 'Folder that takes new checkpoints; one of `checkpoints`', text(), '', perLibrary),
  row('default_unet_root', 'Folder that takes new diffusion models; one of `unet`', text(), '', perLibrary),
  row('default_embedding_root', 'Folder that takes new embeddings; one of `embeddings`', text(), '', perLibrary),
  row('recipes_path', 'Folder of the recipes; empty: `recipes` in the first LoRA folder', text(), '', perLibrary),
  row('base_model_path_mappings', 'Base model to the folder name that stands for it in path templates', textMap(), {}),
  row('download_path_templates', 'Sub-folder of new models by type (`lora`, `checkpoint`, `embedding`), e.g. `{base_model}/{first_tag}`; empty is flat', textMap(), {}),
  row('folder_paths', 'Model folders by kind: `loras`, `checkpoints`, `unet`, `embeddings`', folderLists(), {}, { perLibrary: true, exposure: 'hidden', alwaysWritten: true }),
  row('extra_folder_paths', 'Further model folders, with the same keys', folderLists(), {}, perLibrary),
  row('libraries', 'All libraries by name, each with folders of its own', anything(), undefined, { exposure: 'hidden', locked: BY_LIBRARY_ROUTES }),
  row('active_library', 'Name of the library in use', text(), undefined, { exposure: 'hidden', locked: BY_LIBRARY_ROUTES }),
  row('example_images_path', 'Folder of example images', text(), ''),
  row('example_images_open_mode', 'How the folder of a model\'s example images is opened', oneOf(['system', 'clipboard', 'uri_template']), 'system'),
  row('example_images_local_root', 'The same folder as the user\'s own machine sees it', text(), ''),
  row('example_images_open_uri_template', 'Address that opens a folder, with `uri_template`', text(), ''),
  row('optimize_example_images', 'Take the smaller rendition of example images', flag(), true),
  row('auto_download_example_images', 'Fetch example images without being asked', flag(), false),
  row('blur_mature_content', 'Kept for clients: blur mature previews', flag(), true),
  row('mature_blur_level', 'Level from which a preview counts as mature', oneOf(['PG13', 'R', 'X', 'XXX'], { fold: 'upper', otherwise: 'R' }), 'R'),
  row('autoplay_on_hover', 'Kept for clients: play videos under the pointer only', flag(), false),
  row('include_trigger_words', 'Kept for clients: copy trigger words with the LoRA', flag(), false),
  row('compact_mode', 'Kept for clients: the older form of `display_density`', flag(), false),
  row('display_density', 'Kept for clients: size of the cards', oneOf(['default', 'medium', 'compact']), 'default'),
  row('recipes_layout', 'Kept for clients: how recipes are laid out', oneOf(['grid', 'masonry']), 'grid'),
  row('card_info_display', 'Kept for clients: when a card shows its text', oneOf(['always', 'hover']), 'always'),
  row('priority_tags', 'Tags by model type, the most important first: the first one a model has is its `{first_tag}`', textMap({ defaults: priorityTags }), priorityTags),
  row('model_name_display', 'Name that lists show and sort by', oneOf(['model_name', 'file_name']), 'model_name'),
  row('lora_syntax_format', '`full` writes `<lora:folder/name:…>`, so equal file names in two folders are no conflict', oneOf(['legacy', 'full']), 'legacy'),
  row('model_card_footer_action', 'Kept for clients: what the button below a card does', oneOf(['replace_preview', 'example_images']), 'replace_preview'),
  row('show_version_on_card', 'Kept for clients: show the version\'s name', flag(), true),
  row('version_grouping', 'What makes two files versions of each other: the model with the same base model, or the model alone', oneOf(['same_base', 'any']), 'same_base'),
  row('group_by_model', 'Kept for clients: one card per model', flag(), false),
  row('auto_organize_exclusions', 'Patterns of files that tidying leaves where they are', names(), []),
  row('metadata_refresh_skip_paths', 'Folders that the refresh of all metadata leaves out', names((path) => path.replaceAll('\\', '/').replace(/^\/+/, '').replace(/\/+$/, '')), []),
  row('skip_previously_downloaded_model_versions', 'Do not download again what was downloaded before', flag(), false),
  row('download_skip_base_models', 'Base models that are not downloaded', names(), []),
  row('backup_auto_enabled', 'Back the settings directory up regularly', flag(), true),
  row('backup_retention_count', 'How many of these backups are kept', number({ floor: 1, ceiling: 10_000, whole: true }), 5),
  row('use_new_license_icons', 'Kept for clients: which set of licence icons', flag(), true),
  row('llm_provider', 'Language model for enrichment: who serves it', text(), 'openai'),
  row('llm_api_key', 'Key for the language model', text(), '', secret),
  row('llm_api_base', 'Address of the language model', text(), ''),
  row('llm_model', 'Name of the language model', text(), ''),
  row('update_channel', 'Kept for other programs: which of their versions are offered', oneOf(['release', 'nightly'])),
  row('hide_early_access_updates', 'Versions in early access are no updates', flag()),
  row('hide_paid_updates', 'Versions that cost something are no updates', flag()),
  row('filter_presets', 'Kept for clients: saved filters by page', object()),
  row('card_blur_amount', 'Kept for clients: strength of the blur', number({ floor: 0, ceiling: 1000 })),
  row('strip_lora_on_copy', 'Kept for clients: copy prompts without LoRA tags', flag()),
  row('show_folder_sidebar', 'Kept for clients: show the tree of folders', flag()),
  // ours
  row('write_sidecars', 'When a sidecar is written for a model without one: in the background, or at the first edit; recipes are told of new models in the background, or not at all', oneOf(['always', 'on_edit']), 'always'),
  row('watch_folders', 'Notice changes in the model folders at once', flag(), true),
  row('scan_dot_folders', 'Look into folders whose name begins with a dot', flag(), true),
  row('trash_retention_days', 'Days after which what was deleted leaves the trash', number({ floor: 0, ceiling: 36_500 }), 30),
  row('trash_max_gb', 'Gigabytes the trash may hold; 0 is no limit', number({ floor: 0, ceiling: 1_000_000 }), 0),
  row('offline_mode', 'Ask no other host for anything', flag(), false),
  row('reencode_example_images', 'Make example images smaller on this side; the originals stay', flag(), false),
  row('keep_recipe_originals', 'Keep the untouched image beside the smaller one of a new recipe, as `<id>.original.<ext>`', flag(), false),
  row('max_preview_cache_mb', 'Megabytes of memory for previews', number({ floor: 0, ceiling: 4096 }), 16),
  row('comfyui_url', 'Address of a ComfyUI that the bridge routes are passed to', address(), ''),
  row('allowed_origins', 'Origins of pages that may call this server', origins(), []),
  row('allowed_hosts', 'Further host names that requests may name', names((host) => host.toLowerCase()), [], { locked: FILE_ONLY }),
  row('provider_base_urls', 'Other base addresses of `civitai`, `civarchive`, `huggingface`', textMap(), {}, { exposure: 'hidden', locked: FILE_ONLY })
]

const byKey = new Map(settingRows.map((setting) => [setting.key, setting]))

export function settingRow (key: string): SettingRow | undefined {
  return byKey.get(key)
}

/** Whether the name of a key that has no row says that its value is nobody else's business. */
export function namesSecret (key: string): boolean {
  return /(?:api_?key|token|secret|password)$/i.test(key)
}

export type DefaultRootKey = 'default_lora_root' | 'default_checkpoint_root' | 'default_unet_root' | 'default_embedding_root'

/** Which lists of folders a default root is chosen from. */
export const defaultRootFolders: Readonly<Record<DefaultRootKey, string>> = {
  default_lora_root: 'loras',
  default_checkpoint_root: 'checkpoints',
  default_unet_root: 'unet',
  default_embedding_root: 'embeddings'
}

export const defaultRootKeys: readonly DefaultRootKey[] = ['default_lora_root', 'default_checkpoint_root', 'default_unet_root', 'default_embedding_root']

/** Older names of keys; a new name that is there wins. */
export const legacyNames: Readonly<Record<string, string>> = {
  optimizeExampleImages: 'optimize_example_images',
  autoDownloadExampleImages: 'auto_download_example_images',
  blurMatureContent: 'blur_mature_content',
  matureBlurLevel: 'mature_blur_level',
  autoplayOnHover: 'autoplay_on_hover',
  displayDensity: 'display_density',
  cardInfoDisplay: 'card_info_display',
  includeTriggerWords: 'include_trigger_words',
  compactMode: 'compact_mode',
  modelCardFooterAction: 'model_card_footer_action',
  update_flag_strategy: 'version_grouping'
}
