import type { FastifyInstance } from 'fastify'
import { Type } from '@sinclair/typebox'
import type { ModelUseCases } from '../../use-cases/models/index.ts'
import type { RawQuery } from '../../use-cases/models/parse-list-query.ts'
import type { CycleInput } from '../../use-cases/models/cycle-loras.ts'
import type { SampleInput } from '../../use-cases/models/sample-loras.ts'
import type { NodeReference } from '../../use-cases/models/get-trigger-words.ts'
import type { OperationNames } from './operation.ts'
import { CycleBody, SampleBody, Texts, TriggerWordsBody, answers, documentedOnly, nameParameter, parameters, success } from './schemas.ts'

const Loras = (members: Parameters<typeof Type.Object>[0]) => success({ loras: Type.Array(Type.Object(members, { additionalProperties: true })), count: Type.Integer() })

/** Routes that only LoRAs have; they serve nodes of graphs. */
export function registerLoraRoutes (app: FastifyInstance, { tags, url }: OperationNames): void {
  const useCases = app.getDecorator<ModelUseCases>('useCases')

  app.get(url('letter-counts'), {
    schema: { operationId: 'countLoraLetters', tags, summary: 'First letters of model names with their numbers', response: answers(success({ letter_counts: Type.Record(Type.String(), Type.Integer()) })) }
  }, async () => ({ success: true, letter_counts: useCases.countLetters() }))

  app.get<{ Querystring: RawQuery }>(url('get-trigger-words'), {
    validatorCompiler: documentedOnly,
    schema: { operationId: 'getLoraTriggerWords', tags, summary: 'Trigger words of a LoRA', querystring: nameParameter, response: answers(success({ trigger_words: Texts }), 400) }
  }, async (request) => ({ success: true, trigger_words: useCases.getTriggerWords(request.query) }))

  app.get<{ Querystring: RawQuery }>(url('usage-tips-by-path'), {
    validatorCompiler: documentedOnly,
    schema: { operationId: 'getLoraUsageTips', tags, summary: 'Recommended strengths of a LoRA', querystring: parameters({ relative_path: Type.String({ description: 'Path below a root' }) }), response: answers(success({ usage_tips: Type.String({ description: 'JSON text or ""' }) }), 400) }
  }, async (request) => ({ success: true, usage_tips: useCases.getUsageTips(request.query) }))

  app.post<{ Body: SampleInput }>(url('random-sample'), {
    schema: { operationId: 'sampleLoras', tags, summary: 'A random handful of LoRAs with strengths', body: SampleBody, response: answers(Loras({ name: Type.Optional(Type.String()) }), 400) }
  }, async (request) => {
    const loras = useCases.sampleLoras(request.body)
    return { success: true, loras, count: loras.length }
  })

  app.post<{ Body: CycleInput }>(url('cycler-list'), {
    schema: { operationId: 'cycleLoras', tags, summary: 'All LoRAs of a pool in a fixed order', body: CycleBody, response: answers(Loras({ file_name: Type.String(), model_name: Type.String(), folder: Type.String() }), 400) }
  }, async (request) => {
    const loras = useCases.cycleLoras(request.body)
    return { success: true, loras, count: loras.length }
  })

  app.post<{ Body: { lora_names?: string[], node_ids?: NodeReference[] } }>(url('get_trigger_words'), {
    schema: { operationId: 'sendLoraTriggerWords', tags, summary: 'Send the trigger words of LoRAs to nodes of a graph', body: TriggerWordsBody, response: answers(success({ trigger_words_text: Type.String() }), 400) }
  }, async (request) => ({ success: true, trigger_words_text: useCases.sendTriggerWords(request.body) }))
}
