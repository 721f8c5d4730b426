import { Type } from '@sinclair/typebox'

const Time = (description: string) => Type.Union([Type.String({ format: 'date-time' }), Type.Null()], { description })

const Counters = Type.Object({
  requests: Type.Integer(), succeeded: Type.Integer(), failed: Type.Integer(), rate_limited: Type.Integer(), bytes: Type.Integer({ description: 'Bytes of bodies received' })
}, { description: 'Since the start of the program' })

const DestinationRow = Type.Object({
  name: Type.String(),
  purpose: Type.String(),
  origins: Type.Array(Type.String(), { description: 'Exact origins' }),
  public_hosts: Type.Boolean({ description: 'Also any host of the public internet, each address checked' }),
  enabled: Type.Boolean(),
  setting: Type.Union([Type.String(), Type.Null()], { description: 'The setting that switches it' }),
  authorized: Type.Boolean({ description: 'A key is sent to its origins' }),
  counters: Counters,
  last_request_at: Time('Last request')
})

const Host = Type.Object({
  origin: Type.String(),
  rate: Type.Number({ description: 'Requests a second that are allowed now' }),
  rate_limit: Type.Number({ description: 'Requests a second at the best of times' }),
  active: Type.Object({ calls: Type.Integer(), transfers: Type.Integer() }),
  waiting: Type.Integer(),
  paused_until: Time('The host asked to be left alone until then'),
  unreachable_until: Time('Only requests that someone waits for are tried until then')
})

export const networkSchema = {
  operationId: 'readNetwork',
  tags: ['system'],
  summary: 'Every host that the program may ask, why, whether it does, and how often it did',
  response: {
    200: Type.Object({
      offline: Type.Boolean({ description: 'The setting `offline_mode`: nothing goes out' }),
      proxy: Type.Union([Type.Literal('none'), Type.Literal('settings')], { description: '`none`: a proxy of the environment is used where there is one' }),
      destinations: Type.Array(DestinationRow),
      hosts: Type.Array(Host, { description: 'Hosts asked so far, with their budgets, shared by all features' })
    }),
    503: { $ref: 'Failure#' }
  }
}
