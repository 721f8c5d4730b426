/** Names of the door's destinations that the providers register; `destination` of a request is one of them. */
export const destinationNames = {
  civitai: 'civitai',
  civarchive: 'civarchive',
  huggingFace: 'hugging-face',
  /** Files of models wherever a provider says they lie: CivitAI with its key, any public host without. */
  files: 'model-files',
  /** Previews and example images on content networks, never with a key. */
  media: 'media',
  /** The ComfyUI that the settings name. */
  comfyUi: 'comfyui'
} as const
