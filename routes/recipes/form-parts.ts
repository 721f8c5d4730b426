import type { FastifyRequest } from 'fastify'
import type { FormPart } from '../../use-cases/recipes/upload-parts.ts'

const MEGABYTE = 1024 * 1024

/** Parts one after the other, as the use cases take them. */
export async function * formParts (request: FastifyRequest): AsyncGenerator<FormPart> {
  for await (const part of request.parts()) {
    if (part.type === 'field') yield { name: part.fieldname, value: part.value }
    else yield { name: part.fieldname, content: part.file }
  }
}

/**
 * The size of an image is judged where its bytes are known; here it is only kept from growing without end. Base64 text comes
 * as a file, so that it is decoded on its way.
 */
export const formOptions = {
  limits: { fileSize: 360 * MEGABYTE, files: 2, fields: 10, parts: 14, fieldSize: 8 * MEGABYTE, fieldNameSize: 200, headerPairs: 50 },
  isPartAFile: (name: string | undefined, _type: string | undefined, fileName: string | undefined): boolean => fileName !== undefined || name === 'image_base64' || name === 'image'
}
