import AjvCompiler from '@fastify/ajv-compiler'
import type { FastifyServerOptions } from 'fastify'

type Schema = Record<string, unknown>
type Validate = ((data: unknown) => unknown) & { errors?: unknown }
type Compile = (route: { schema: Schema, httpPart?: string }) => Validate
type Factories = NonNullable<NonNullable<FastifyServerOptions['schemaController']>['compilersFactory']>

// The schemas are ours; holding each against the schema of schemas would have the first request wait for that one to be compiled.
const common = { removeAdditional: false, useDefaults: true, allErrors: false, strict: false, validateSchema: false } as const

/**
 * Builds validators of one scope. Query, params and headers are text and are coerced; bodies mean what they say:
 * there `null` is no number and `"3"` is none either. A schema is compiled when its route is first called, since
 * compiling all of them would take a good part of the start.
 */
export const buildValidator = ((externalSchemas: unknown) => {
  const compiler = (coerceTypes: false | 'array'): () => Compile => {
    let made: Compile | undefined
    return () => {
      made ??= AjvCompiler()(externalSchemas as Parameters<ReturnType<typeof AjvCompiler>>[0], { customOptions: { ...common, coerceTypes } }) as unknown as Compile
      return made
    }
  }
  const strict = compiler(false)
  const coercing = compiler('array')

  return (route: { schema: Schema, httpPart?: string }) => {
    const body = route.httpPart === 'body'
    const singles = route.httpPart === 'querystring' ? singleKeys(route.schema) : []
    let validate: Validate | undefined
    return (data: unknown) => {
      for (const key of singles) keepFirst(data as Schema, key)
      validate ??= (body ? strict : coercing)()(route)
      return validate(data) === false ? { error: validate.errors as Error[] } : { value: data }
    }
  }
}) as unknown as NonNullable<Factories['buildValidator']>

/** Keys of a query schema that hold one value: of a repeated one the first counts. */
function singleKeys (schema: Schema): string[] {
  const properties = (schema.properties ?? {}) as Record<string, Schema>
  return Object.keys(properties).filter((key) => !takesList(properties[key] ?? {}))
}

function takesList (schema: Schema): boolean {
  const alternatives = [schema.anyOf, schema.oneOf, schema.allOf].flat().filter((one) => typeof one === 'object' && one !== null) as Schema[]
  return schema.type === undefined && alternatives.length === 0
    ? true
    : [schema.type].flat().includes('array') || alternatives.some(takesList)
}

function keepFirst (query: Schema, key: string): void {
  const value = query[key]
  if (Array.isArray(value)) query[key] = value[0]
}

/**
 * Answers are written as they are: schemas describe them, and tests hold answers against their schema. A compiled
 * serialiser would delete undeclared keys of documents that users and other programs extend, and is no faster here.
 */
export const buildSerializer = (() => () => JSON.stringify) as unknown as NonNullable<Factories['buildSerializer']>
