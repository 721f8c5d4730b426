/** Schedulers of ComfyUI, longer ones before those they end with. */
const schedulers = ['sgm_uniform', 'ddim_uniform', 'linear_quadratic', 'kl_optimal', 'exponential', 'normal', 'karras', 'simple', 'beta'] as const

/** `euler_ancestral_karras` as ComfyUI's savers join them; names that are one word of a program stay as they are. */
export function splitSampler (joined: string): { sampler: string, scheduler?: string } {
  const scheduler = schedulers.find((name) => joined.endsWith(`_${name}`) && joined.length > name.length + 1)
  return scheduler === undefined ? { sampler: joined } : { sampler: joined.slice(0, -scheduler.length - 1), scheduler }
}
