/**
 * Ratcliff-Obershelp similarity: twice the matching characters over the characters of both, 0 to 1. The matching
 * characters are the longest common block (the earliest of several), and recursively what matches left and right of it.
 */
export function similarity (a: string, b: string): number {
  const total = a.length + b.length
  return total === 0 ? 1 : 2 * matching(a, 0, a.length, b, 0, b.length) / total
}

/** Whether two words of these lengths can reach the threshold at all. */
export function canBeSimilar (lengthA: number, lengthB: number, threshold: number): boolean {
  return 2 * Math.min(lengthA, lengthB) >= threshold * (lengthA + lengthB)
}

function matching (a: string, aFrom: number, aTo: number, b: string, bFrom: number, bTo: number): number {
  if (aFrom >= aTo || bFrom >= bTo) return 0
  let bestA = aFrom
  let bestB = bFrom
  let best = 0
  let row = new Uint16Array(bTo - bFrom + 1)
  let above = new Uint16Array(bTo - bFrom + 1)
  for (let i = aFrom; i < aTo; i++) {
    const unit = a.charCodeAt(i)
    for (let j = bFrom; j < bTo; j++) {
      const length = b.charCodeAt(j) === unit ? (above[j - bFrom] as number) + 1 : 0
      row[j - bFrom + 1] = length
      if (length > best) {
        best = length
        bestA = i - length + 1
        bestB = j - length + 1
      }
    }
    const swap = above
    above = row
    row = swap
  }
  if (best === 0) return 0
  return best + matching(a, aFrom, bestA, b, bFrom, bestB) + matching(a, bestA + best, aTo, b, bestB + best, bTo)
}
