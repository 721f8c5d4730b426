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

type RowOptions = Partial<Omit<SettingRow, 'key' | 'kind' | 'fallback'>>

function row (key: string, kind: Kind, fallback?: unknown, options: RowOptions = {}): SettingRow {
  const reading = fallback === undefined ? { value: undefined } : kind.read(fallback)
  if ('reason' in reading) throw new TypeError(`The default of ${key} ${reading.reason}`)
  return { key, kind, fallback: deepFreeze(reading.value), exposure: 'shown', perLibrary: false, alwaysWritten: false, locked: null, ...options }
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
  row('civitai_api_key', text(), '', { exposure: 'secret', alwaysWritten: true }),
  row('civitai_host', oneOf(['civitai.com', 'civitai.red', 'civitai.green'], { fold: 'lower', otherwise: 'civitai.com' }), 'civitai.com'),
  row('download_backend', oneOf(['python', 'aria2'], { fold: 'lower', otherwise: 'python' }), 'python'),
  row('aria2c_path', text(), '', { locked: FILE_ONLY }),
  row('use_portable_settings', flag(), false, { locked: BY_START }),
  row('hash_chunk_size_mb', number({ floor: 0.0625, ceiling: 1024 }), 4, hidden),
  row('download_stall_timeout_seconds', number({ floor: 30, ceiling: 86_400 }), undefined, hidden),
  row('language', text(), 'en'),
  row('show_only_sfw', flag(), false),
  row('onboarding_completed', flag(), false),
  row('dismissed_banners', names(), []),
  row('enable_metadata_archive_db', flag(), false),
  row('enable_civarchive_api', flag(), true),
  row('metadata_provider_order', oneOf(['civitai_archive_sqlite', 'civitai_sqlite_archive'], { otherwise: 'civitai_archive_sqlite' }), 'civitai_archive_sqlite'),
  row('proxy_enabled', flag(), false),
  row('proxy_type', oneOf(['http', 'https', 'socks4', 'socks5'], { fold: 'lower' }), 'http'),
  row('proxy_host', text(), ''),
  row('proxy_port', text(), ''),
  row('proxy_username', text(), ''),
  row('proxy_password', text(), '', { exposure: 'masked' }),
  row('default_lora_root', text(), '', perLibrary),
  row('default_checkpoint_root', text(), '', perLibrary),
  row('default_unet_root', text(), '', perLibrary),
  row('default_embedding_root', text(), '', perLibrary),
  row('recipes_path', text(), '', perLibrary),
  row('base_model_path_mappings', textMap(), {}),
  row('download_path_templates', textMap(), {}),
  row('folder_paths', folderLists(), {}, { perLibrary: true, exposure: 'hidden', alwaysWritten: true }),
  row('extra_folder_paths', folderLists(), {}, perLibrary),
  row('libraries', anything(), undefined, { exposure: 'hidden', locked: BY_LIBRARY_ROUTES }),
  row('active_library', text(), undefined, { exposure: 'hidden', locked: BY_LIBRARY_ROUTES }),
  row('example_images_path', text(), ''),
  row('example_images_open_mode', oneOf(['system', 'clipboard', 'uri_template']), 'system'),
  row('example_images_local_root', text(), ''),
  row('example_images_open_uri_template', text(), ''),
  row('optimize_example_images', flag(), true),
  row('auto_download_example_images', flag(), false),
  row('blur_mature_content', flag(), true),
  row('mature_blur_level', oneOf(['PG13', 'R', 'X', 'XXX'], { fold: 'upper', otherwise: 'R' }), 'R'),
  row('autoplay_on_hover', flag(), false),
  row('include_trigger_words', flag(), false),
  row('compact_mode', flag(), false),
  row('display_density', oneOf(['default', 'medium', 'compact']), 'default'),
  row('recipes_layout', oneOf(['grid', 'masonry']), 'grid'),
  row('card_info_display', oneOf(['always', 'hover']), 'always'),
  row('priority_tags', textMap({ defaults: priorityTags }), priorityTags),
  row('model_name_display', oneOf(['model_name', 'file_name']), 'model_name'),
  row('lora_syntax_format', oneOf(['legacy', 'full']), 'legacy'),
  row('model_card_footer_action', oneOf(['replace_preview', 'example_images']), 'replace_preview'),
  row('show_version_on_card', flag(), true),
  row('version_grouping', oneOf(['same_base', 'any']), 'same_base'),
  row('group_by_model', flag(), false),
  row('auto_organize_exclusions', names(), []),
  row('metadata_refresh_skip_paths', names((path) => path.replaceAll('\\', '/').replace(/^\/+/, '').replace(/\/+$/, '')), []),
  row('skip_previously_downloaded_model_versions', flag(), false),
  row('download_skip_base_models', names(), []),
  row('backup_auto_enabled', flag(), true),
  row('backup_retention_count', number({ floor: 1, ceiling: 10_000, whole: true }), 5),
  row('use_new_license_icons', flag(), true),
  row('llm_provider', text(), 'openai'),
  row('llm_api_key', text(), '', secret),
  row('llm_api_base', text(), ''),
  row('llm_model', text(), ''),
  row('update_channel', oneOf(['release', 'nightly'])),
  row('hide_early_access_updates', flag()),
  row('hide_paid_updates', flag()),
  row('filter_presets', object()),
  row('card_blur_amount', number({ floor: 0, ceiling: 1000 })),
  row('strip_lora_on_copy', flag()),
  row('show_folder_sidebar', flag()),
  // ours
  row('write_sidecars', oneOf(['always', 'on_edit']), 'always'),
  row('watch_folders', flag(), true),
  row('scan_dot_folders', flag(), true),
  row('trash_retention_days', number({ floor: 0, ceiling: 36_500 }), 30),
  row('trash_max_gb', number({ floor: 0, ceiling: 1_000_000 }), 0),
  row('offline_mode', flag(), false),
  row('reencode_example_images', flag(), false),
  row('max_preview_cache_mb', number({ floor: 0, ceiling: 4096 }), 16),
  row('comfyui_url', address(), ''),
  row('allowed_origins', origins(), []),
  row('allowed_hosts', names((host) => host.toLowerCase()), [], { locked: FILE_ONLY }),
  row('provider_base_urls', textMap(), {}, { exposure: 'hidden', locked: FILE_ONLY })
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
