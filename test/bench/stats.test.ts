import { describe, expect, it } from 'vitest'
import { drawer, medianInterval, ratioInterval } from '../../src/bench/stats/bootstrap.ts'
import { mad, median, modifiedZ, OUTLIER_Z, variation } from '../../src/bench/stats/describe.ts'
import { likelyLarger } from '../../src/bench/stats/mann-whitney.ts'
import { startErrorRate, wordErrorRate, words } from '../../src/bench/stats/word-errors.ts'

describe('describing numbers', () => {
  it('median of odd, even and one', () => {
    expect([median([3, 1, 2]), median([4, 1, 3, 2]), median([7])]).toEqual([2, 2.5, 7])
  })
  it('median absolute deviation, by hand', () => {
    expect(mad([1, 1, 2, 2, 4, 6, 9])).toBe(1)
  })
  it('coefficient of variation, by hand', () => {
    expect(variation([2, 4, 4, 4, 5, 5, 7, 9])).toBeCloseTo(Math.sqrt(32 / 7) / 5, 12)
    expect(variation([5])).toBe(0)
  })
  it('modified z-scores after Iglewicz and Hoaglin mark the stray value only', () => {
    const values = [10, 10.1, 9.9, 10.2, 9.8, 20]
    expect(modifiedZ(values).map((z) => Math.abs(z) > OUTLIER_Z)).toEqual([false, false, false, false, false, true])
    // Median 10.05, deviations 0.05 0.05 0.15 0.15 0.25 9.95, so MAD 0.15.
    expect(modifiedZ(values)[5]).toBeCloseTo((0.6745 * 9.95) / 0.15, 9)
  })
  it('equal values have no outlier, and one stray among equals is one', () => {
    expect(modifiedZ([5, 5, 5])).toEqual([0, 0, 0])
    expect(modifiedZ([5, 5, 5, 5, 5, 5, 5, 50])[7]!).toBeGreaterThan(OUTLIER_Z)
  })
})

describe('the bootstrap interval of the median', () => {
  it('is the same every time', () => {
    const values = [5, 3, 8, 1, 9, 4, 7, 2, 6, 10]
    expect(medianInterval(values)).toEqual(medianInterval(values))
  })
  it('holds the true median about 95 times in 100', () => {
    const random = drawer(42)
    const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
    let held = 0
    for (let i = 0; i < 300; i++) {
      const { low, high } = medianInterval(Array.from({ length: 15 }, () => 100 + 10 * normal()))
      if (low <= 100 && 100 <= high) held++
    }
    expect(held / 300).toBeGreaterThan(0.9)
    expect(held / 300).toBeLessThanOrEqual(0.995)
  })
  it('of a ratio of scaled copies holds the scale', () => {
    const values = [10, 11, 9, 10.5, 9.5, 10.2, 9.8, 10.1]
    const { low, high } = ratioInterval(values.map((v) => v * 1.5), values)
    expect(low).toBeLessThan(1.5)
    expect(high).toBeGreaterThan(1.5)
    expect(high - low).toBeLessThan(0.25)
  })
})

describe('the Mann-Whitney test', () => {
  it('equals the published example within the normal approximation', () => {
    // Mann & Whitney 1947's exact table: for m = n = 8 and U = 51 of 64 the one-sided p is 0.025; the approximation gives 0.026.
    const before = [1, 2, 3, 4, 5, 6, 7, 8].map((v) => v * 10)
    // Each value's rank among `before` adds up to U = 51.
    const after = [35, 55, 65, 65.1, 75, 85, 85.1, 85.2]
    const u = after.reduce((sum, a) => sum + before.filter((b) => b < a).length, 0)
    expect(u).toBe(51)
    expect(likelyLarger(after, before)).toBeCloseTo(0.026, 2)
  })
  it('is one half for the same values and small for clearly larger ones', () => {
    const values = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    expect(likelyLarger(values, values)).toBeCloseTo(0.5, 1)
    expect(likelyLarger(values.map((v) => v + 20), values)).toBeLessThan(0.001)
    expect(likelyLarger(values, values.map((v) => v + 20))).toBeGreaterThan(0.999)
    expect(likelyLarger([3, 3, 3], [3, 3, 3])).toBe(1)
  })
})

describe('word error rate', () => {
  it.each([
    ['the same', 'a b c', 'A, b; C.', 0],
    ['one wrong of four', 'a b c d', 'a x c d', 0.25],
    ['one missing of four', 'a b c d', 'a b d', 0.25],
    ['one more than four', 'a b c d', 'a b c c d', 0.25],
    ['nothing heard', 'a b', '', 1],
    ['all wrong and more', 'a', 'x y z', 3],
    ['nothing said, nothing heard', '', '', 0],
    ['nothing said, something heard', '', 'x', 1],
    ['apostrophes of both kinds', 'don’t', "don't", 0],
    ['quotation marks are no words', "'yes' she said", 'yes she said', 0],
    ['other alphabets count', 'привет мир', 'Привет, мир!', 0],
  ])('%s', (_, said, heard, expected) => {
    expect(wordErrorRate(said, heard)).toBe(expected)
  })
  it('keeps accents and numbers', () => {
    expect(words('Élan 42 naïve')).toEqual(['élan', '42', 'naïve'])
  })
})

describe('word error rate of long texts', () => {
  const many = (count: number, name: string) => Array.from({ length: count }, (_, i) => `${name}${i}`).join(' ')
  it('that begin and end alike is exact, however long they are', () => {
    const said = many(150_000, 'w').split(' ')
    expect(wordErrorRate(said.join(' '), said.with(75_000, 'x').join(' '))).toBe(1 / 150_000)
    expect(wordErrorRate(said.join(' '), said.join(', '))).toBe(0)
    expect(wordErrorRate('a b', `a ${many(150_000, 'x')} b`)).toBe(75_000)
  })
  it('of ten thousand words each is known, and of many more it is not', () => {
    expect(wordErrorRate(many(10_000, 'a'), many(10_000, 'b'))).toBe(1)
    expect(wordErrorRate(many(20_001, 'a'), many(20_001, 'b'))).toBeNull()
  })
  it('is that of the first words where only those are asked for', () => {
    expect(startErrorRate('a b c d', 'a x c d e f g h')).toBe(0.25)
  })
})
