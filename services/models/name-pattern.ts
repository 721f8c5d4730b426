import { RE2JS } from 're2js'

/** Longer patterns are taken as plain text. */
const LONGEST_PATTERN = 1024

export type NameTest = (name: string) => boolean

/**
 * A test for names, case-insensitive. A pattern of a client runs in a linear-time engine; one that is invalid or too
 * long is a substring. Null for a blank pattern, which tests nothing.
 */
export function namePattern (pattern: string, useRegex: boolean): NameTest | null {
  if (pattern.trim() === '') return null
  return (useRegex ? regexTest(pattern) : null) ?? substringTest(pattern)
}

function substringTest (pattern: string): NameTest {
  const lower = pattern.toLowerCase()
  return (name) => name.toLowerCase().includes(lower)
}

function regexTest (pattern: string): NameTest | null {
  if (pattern.length > LONGEST_PATTERN) return null
  try {
    const compiled = RE2JS.compile(pattern, RE2JS.CASE_INSENSITIVE)
    return (name) => compiled.test(name)
  } catch {
    return null
  }
}
