import t from 'tap'
import type { IndexedModel } from '../../../services/models/entry.ts'
import { packedFacts, packModel, unpackModel } from '../../../services/models/packed-model.ts'
import { sampleModel } from '../../helpers/sample-model.ts'

const plain = sampleModel({
  id: 7,
  root_id: 'root',
  file_path: '/models/loras/styles/red-fox.safetensors',
  file_name: 'red-fox',
  model_name: 'red-fox',
  folder: 'styles',
  size: 12,
  modified: 1.5,
  sha256: 'ab'.repeat(32),
  base_model: 'SDXL 1.0',
  license_flags: 127
})

const models: Record<string, IndexedModel> = {
  plain,
  full: {
    ...plain,
    model_name: 'The Red Fox',
    tags: ['fox', 'red, "very"', 'é\\'],
    civitai: { id: 11, modelId: 5, name: 'v2', creator: { username: 'ann' }, trainedWords: ['fox'], model: { type: 'LoCon' } },
    favorite: true,
    exclude: true,
    preview_nsfw_level: 8,
    license_flags: 3,
    hf_url: 'https://huggingface.co/ann/fox',
    sub_type: 'dora',
    notes: 'a\nb'
  },
  'with the characters that part members': { ...plain, folder: 'a\x1fb', file_path: '/models/loras/a\x1fb/c\x1ed.safetensors', file_name: 'c\x1ed', model_name: '\x1f', tags: ['\x1e0'] }
}

t.test('the facts that an index reads of a packed model are those of the model', (t) => {
  for (const [name, model] of Object.entries(models)) {
    const packed = { id: model.id, packed: packModel(model) }
    const whole = unpackModel(packed, 'lora')
    const { civitai, ...facts } = packedFacts(packed)
    for (const [member, value] of Object.entries(facts)) t.same(value, model[member as keyof IndexedModel], `${name}: ${member}`)
    t.equal(facts.sub_type, whole.sub_type)
    for (const member of ['id', 'modelId', 'creator', 'model'] as const) t.same(civitai?.[member], whole.civitai?.[member], `${name}: ${member}`)
  }
  t.end()
})
