/** Compute capability as one number: 8.6 is 86, 12.0 is 120. */

/** `compute_cap, name` as `nvidia-smi --query-gpu=compute_cap,name --format=csv,noheader` prints them, a card a line. */
export function capabilitiesOf(text: string): readonly { readonly capability: number; readonly name: string }[] {
  return text.split('\n').flatMap((line) => {
    const [, major, minor, name] = /^(\d{1,2})\.(\d), (.+)$/.exec(line.trim()) ?? []
    return name === undefined ? [] : [{ capability: Number(major) * 10 + Number(minor), name }]
  })
}

/**
 * By the name of the product, where one name is one chip (developer.nvidia.com/cuda-gpus and /cuda-legacy-gpus). Laptop cards that
 * bear the name of another generation (MX, the GTX of old) are left out.
 */
const PRODUCTS: readonly (readonly [RegExp, number])[] = [
  [/\bRTX 50[5-9]0\b|RTX PRO \d{4}\b.*Blackwell/, 120],
  [/\bB200\b/, 100],
  [/\b(H100|H200|GH200)\b/, 90],
  [/\bRTX 40[5-9]0\b|\b(L4|L40S?)\b|\bRTX \d{4}\b.* Ada\b/, 89],
  [/\bRTX 30[5-9]0\b|\bA(10|10G|16|40)\b|\bRTX A[2456]\d00\b/, 86],
  [/\b(A100|A30)\b/, 80],
  [/\bRTX 20[678]0\b|\bGTX 16[56]0\b|\bT4\b/, 75],
  [/\bV100\b/, 70],
  [/\bGTX 10[678]0\b|\bTesla P(4|40)\b/, 61],
  [/\bP100\b/, 60],
  [/\bTesla M(40|60)\b|\bGTX 9[678]0\b/, 52],
]

export const capabilityByName = (name: string): number | null => PRODUCTS.find(([pattern]) => pattern.test(name))?.[1] ?? null

/** As NVIDIA writes it: `8.6`. */
export const capabilityText = (capability: number): string => `${Math.floor(capability / 10)}.${capability % 10}`
