import { NotFoundError } from '../../services/errors.ts'
import type { Translator } from '../../services/i18n/translator.ts'
import { loadStaticFiles, staticDirectory, staticFile, type StaticFile } from '../../services/web/static-files.ts'

function find (files: ReadonlyMap<string, StaticFile>, name: string): StaticFile {
  const file = files.get(name)
  if (!file) throw new NotFoundError('There is no such file')
  return file
}

/** A file of the pages, from memory. @throws NotFoundError */
export const getStaticFile = () => {
  let files: Promise<Map<string, StaticFile>> | undefined
  return async (name: string): Promise<StaticFile> => {
    files ??= loadStaticFiles(staticDirectory)
    return find(await files, name)
  }
}

/** The texts of a language as a file; `zh` is simplified Chinese. @throws NotFoundError */
export const getLocaleFile = ({ translator }: { translator: () => Promise<Translator> }) => {
  let files: Promise<Map<string, StaticFile>> | undefined
  const load = async (): Promise<Map<string, StaticFile>> => {
    const texts = [...(await translator()).files].map(([locale, body]): [string, StaticFile] => [`${locale}.json`, staticFile(`${locale}.json`, body)])
    const simplified = texts.find(([name]) => name === 'zh-CN.json')
    return new Map(simplified ? [...texts, ['zh.json', simplified[1]]] : texts)
  }
  return async (name: string): Promise<StaticFile> => {
    files ??= load()
    return find(await files, name)
  }
}
