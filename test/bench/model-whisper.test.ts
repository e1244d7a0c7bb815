import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fromHalf, toHalf } from '../../src/bench/recogniser/half.ts'
import { recognised } from '../../src/bench/recogniser/recognise.ts'
import { entryOf, textFrom } from '../../src/bench/recogniser/tokens.ts'
import { greedy } from '../../src/bench/recogniser/whisper.ts'
import { WrongCall } from '../../src/wrong-call.ts'
import { expectedIn, hear, layOut } from './tiny-models.ts'
import { buildTool, checked, leftFolders, type Tool } from './tool.ts'

let folder = ''
let places = 0
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'asr-doctor-test-'))))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const place = () => join(folder, String(++places))

const MULTILINGUAL = 'whisper-hugging-face/multilingual'
const ENGLISH = 'whisper-hugging-face/english'
const TINY = 'whisper-sherpa/tiny'
const TURBO = 'whisper-sherpa/turbo'

/** generate() gives the token that ends with the others. */
const tokensOf = (windows: readonly { readonly tokens: readonly number[] }[], end: number) => windows.map(({ tokens }) => (tokens.at(-1) === end ? tokens.slice(0, -1) : tokens))

describe('Whisper as Optimum exports it: token for token what transformers hears', () => {
  const END = 367
  it('80 channels, merged decoder, the language heard by the model, a window that ends by itself', async () => {
    const path = layOut(MULTILINGUAL, place())
    const expected = expectedIn(path)
    // Not one token said again and again, two languages, and one window that does end: what the seed was chosen for.
    expect(expected.map((window: any) => [window.prompt[1], window.tokens.length, new Set(window.tokens).size])).toEqual([[369, 83, 23], [373, 220, 25]])
    const heard = await hear(path)
    expect(heard.windows).toEqual(tokensOf(expected, END))
    expect(heard.text).toBe(expected.map(({ text }: any) => text.trim()).join(' '))
    expect(heard.files).toEqual(['encoder_model.onnx', 'decoder_model_merged.onnx'].map((name) => join(path, name)))
  })
  it('the same in the folders of onnx-community, named as a whole, by its graphs, or by one graph', async () => {
    const path = layOut(MULTILINGUAL, place(), (file) => (file.endsWith('.onnx') ? `onnx/${file}` : file))
    const { windows } = await hear(path)
    expect(windows).toEqual(tokensOf(expectedIn(path), END))
    const files = { encoder: join(path, 'onnx/encoder_model.onnx'), decoder: join(path, 'onnx/decoder_model_merged.onnx') }
    for (const named of [path, join(path, 'onnx'), join(path, 'onnx/encoder_model.onnx'), join(path, 'onnx/decoder_model_merged.onnx')]) expect((await recognised(named)).graphs).toEqual(files)
  })
  it('128 channels, a decoder for the first token and one for the rest, vocab.json', async () => {
    const path = layOut(ENGLISH, place())
    const expected = expectedIn(path)
    const heard = await hear(path)
    expect(heard.windows).toEqual(tokensOf(expected, END))
    expect(heard.text).toBe(expected.map(({ text }: any) => text.trim()).join(' '))
    expect(heard.files.map((file) => file.slice(path.length + 1))).toEqual(['encoder_model.onnx', 'decoder_model.onnx', 'decoder_with_past_model.onnx'])
  })
  it('a decoder without a memory reads everything again, and says the same', async () => {
    const path = layOut(ENGLISH, place(), (file) => (/with_past|fp16/.test(file) ? null : file))
    const heard = await hear(path)
    expect(heard.windows).toEqual(tokensOf(expectedIn(path), END))
    expect(heard.files).toHaveLength(2)
  })
  it('half precision, chosen by naming one of its files: what Optimum hears with the same files', async () => {
    const path = layOut(ENGLISH, place())
    const heard = await hear(join(path, 'encoder_model_fp16.onnx'))
    expect(heard.files.map((file) => file.slice(path.length + 1))).toEqual(['encoder_model_fp16.onnx', 'decoder_model_fp16.onnx', 'decoder_with_past_model_fp16.onnx'])
    // Half precision rounds otherwise in each version of the runtime: they agree as long as no two tokens are all but equal.
    const expected = expectedIn(path, 'expected-fp16.json')
    const sure = expected.map((window: any) => window.sure)
    expect(Math.max(...sure)).toBeGreaterThan(30)
    expect(heard.windows.map((tokens, i) => tokens.slice(0, sure[i]))).toEqual(expected.map((window: any) => window.tokens.slice(0, window.sure)))
  })
  it('the plain files are taken where several precisions lie side by side, else the most exact; what is named is taken', async () => {
    const path = layOut(ENGLISH, place())
    const names = async (given: string) => Object.values((await recognised(given)).graphs).map((file) => (file as string).slice(path.length + 1))
    for (const part of ['encoder_model', 'decoder_model', 'decoder_with_past_model']) cpSync(join(path, `${part}.onnx`), join(path, `${part}_quantized.onnx`))
    expect(await names(path)).toEqual(['encoder_model.onnx', 'decoder_model.onnx', 'decoder_with_past_model.onnx'])
    expect(await names(join(path, 'decoder_with_past_model_quantized.onnx'))).toEqual(['encoder_model_quantized.onnx', 'decoder_model_quantized.onnx', 'decoder_with_past_model_quantized.onnx'])
    rmSync(join(path, 'decoder_model_quantized.onnx'))
    rmSync(join(path, 'decoder_with_past_model_quantized.onnx'))
    // Of the encoder alone there is one: the decoder is the plain one.
    expect(await names(join(path, 'encoder_model_quantized.onnx'))).toEqual(['encoder_model_quantized.onnx', 'decoder_model.onnx', 'decoder_with_past_model.onnx'])
    for (const part of ['encoder_model', 'decoder_model', 'decoder_with_past_model']) rmSync(join(path, `${part}.onnx`))
    expect(await names(path)).toEqual(['encoder_model_fp16.onnx', 'decoder_model_fp16.onnx', 'decoder_with_past_model_fp16.onnx'])
  })
})

describe('Whisper as sherpa-onnx exports it: token for token what sherpa-onnx hears', () => {
  it.each([[TINY, 'tiny'], [TURBO, 'turbo']] as const)('%s', async (name, prefix) => {
    const path = layOut(name, place())
    const expected = expectedIn(path)
    const heard = await hear(path)
    // sherpa-onnx gives the text of each token, those without text left out, and leaves out what is no whole character.
    const shown = new Map(readFileSync(join(path, `${prefix}-tokens.txt`), 'utf8').trim().split('\n').map((line) => {
      const [token, id] = line.split(' ')
      return [Number(id), Buffer.from(token!, 'base64').toString().replaceAll('\ufffd', '')]
    }))
    expect(heard.windows.map((tokens) => tokens.flatMap((token) => shown.get(token) ?? []))).toEqual(expected.map((window: any) => window.tokens))
    for (const { tokens } of expected) expect(new Set(tokens).size).toBeGreaterThan(12)
  })
  it('weights that lie beside the graph are missed by name', async () => {
    const path = layOut(TURBO, place(), (file) => (file.endsWith('.weights') ? null : file))
    await expect(recognised(path)).rejects.toThrow(new WrongCall(`${path}/turbo-encoder.weights is missing, the weights of turbo-encoder.onnx: fetch it from where the rest of the model came from.`))
  })
  it('of several models in one folder, one has to be named', async () => {
    const path = layOut(TINY, layOut(TURBO, place()))
    await expect(recognised(path)).rejects.toThrow(`${path} holds several models (tiny, turbo): name one of its files with --model FILE.`)
    expect((await recognised(join(path, 'tiny-decoder.onnx'))).graphs).toEqual({ encoder: join(path, 'tiny-encoder.onnx'), decoder: join(path, 'tiny-decoder.onnx') })
  })
})

describe('bench --model', () => {
  let tool: Tool
  beforeAll(async () => void (tool = await buildTool()))
  afterAll(() => tool.remove())

  it('measures it end to end, says which files ran, what was heard and how wrong that is', () => {
    const path = layOut(MULTILINGUAL, place())
    const { code, stdout, stderr } = tool.run(['--model', path, '--runs', '2', '--threads', '1', '--json'])
    expect(stderr).toMatch(/^asr-doctor bench: .*\n$/)
    const result = checked(stdout)
    expect(result).toMatchObject({ workload: path, target: { kind: 'model', name: path, files: ['encoder_model.onnx', 'decoder_model_merged.onnx'] }, provider: { used: 'cpu' } })
    expect(Object.keys(result.phases)).toEqual(['audio', 'features', 'encoder', 'decoder'])
    for (const { wallMs, cpuMs } of Object.values(result.phases) as any[]) expect(Math.min(wallMs, cpuMs)).toBeGreaterThan(0)
    expect(result.text.heard).toBe(expectedIn(path).map(({ text }: any) => text.trim()).join(' '))
    expect(result.text.wer).toBeGreaterThan(0.9)
    expect(result.provider.placement[0].nodes).toBeGreaterThan(100)
    expect(result.doubts.map(({ kind }: any) => kind)).not.toContain('text-changes')
    expect(code).toBe(0)
    expect(leftFolders(tool)).toEqual([])
  })
  it('a word error rate above the limit fails whatever the speed; the text report names the files', () => {
    const path = layOut(TINY, place())
    const { code, stdout } = tool.run(['--model', join(path, 'tiny-encoder.onnx'), '--runs', '6', '--threads', '1', '--max-wer', '25%'])
    expect(stdout).toMatch(/\n {2}Files +tiny-encoder\.onnx, tiny-decoder\.onnx\n/)
    expect(stdout).toMatch(/\nasr-doctor bench: fail: .*word error rate/i)
    expect(code).toBe(1)
  })
  it('CUDA asked for where the package has none: exit 5, the same as for the built-in network', () => {
    const { code, stdout } = tool.run(['--model', layOut(MULTILINGUAL, place()), '--provider', 'cuda', '--json'])
    expect(checked(stdout).provider).toMatchObject({ used: null, because: expect.stringMatching(/installed without its CUDA libraries/), how: expect.stringContaining('ONNXRUNTIME_NODE_INSTALL=true node ') })
    expect(code).toBe(5)
  })
  it.each<[string, (path: string) => string, RegExp]>([
    ['a path that is not there', (path) => join(path, 'nowhere'), /^--model .*nowhere does not exist\.\n$/],
    ['a folder of something else', () => join(process.cwd(), 'src/bench'), /^--model .*src\/bench holds no model of a kind that is known here .*: there is no \.onnx file in it\.\n$/],
    ['an encoder whose download broke off', (path) => (truncateSync(join(path, 'encoder_model.onnx'), 100_000), path), /^.*encoder_model\.onnx is no whole ONNX model: .*\. Its download broke off: fetch it anew\.\n$/],
  ])('%s: exit 2 and one line, before anything is started', (_, spoil, line) => {
    const { code, stdout, stderr } = tool.run(['--model', spoil(layOut(MULTILINGUAL, place())), '--json'])
    expect(stderr).toMatch(line)
    expect(stdout).toBe('')
    expect(code).toBe(2)
  })
})

const POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 32000000\n`
const edit = (path: string, file: string, change: (value: any) => void) => {
  const value = JSON.parse(readFileSync(join(path, file), 'utf8'))
  change(value)
  writeFileSync(join(path, file), JSON.stringify(value))
}

describe('models that are not whole', () => {
  it.each<[string, string, (path: string) => void, RegExp]>([
    ['a decoder that is a Git LFS pointer', MULTILINGUAL, (path) => writeFileSync(join(path, 'decoder_model_merged.onnx'), POINTER), /decoder_model_merged\.onnx is no whole ONNX model: it is a Git LFS pointer, not the model\. Fetch it with: git lfs pull\.$/],
    ['an encoder of no bytes', MULTILINGUAL, (path) => truncateSync(join(path, 'encoder_model.onnx'), 0), /encoder_model\.onnx is no whole ONNX model: the file is empty\. Fetch it anew\.$/],
    ['an encoder that is a web page', MULTILINGUAL, (path) => writeFileSync(join(path, 'encoder_model.onnx'), '<!DOCTYPE html><html><body>404</body></html>'), /encoder_model\.onnx is no whole ONNX model: .*Give a folder or file with ONNX graphs\.$/],
    ['no decoder', MULTILINGUAL, (path) => rmSync(join(path, 'decoder_model_merged.onnx')), /\/decoder_model_merged\.onnx is missing, the decoder: fetch it/],
    ['no decoder for the first token', ENGLISH, (path) => rmSync(join(path, 'decoder_model.onnx')), /\/decoder_model\.onnx is missing, the decoder for the first token: fetch it/],
    ['no config.json', MULTILINGUAL, (path) => rmSync(join(path, 'config.json')), /\/config\.json is missing, the shape of the model: fetch it/],
    ['no tokenizer', MULTILINGUAL, (path) => rmSync(join(path, 'tokenizer.json')), /\/tokenizer\.json is missing, what the tokens stand for: fetch it/],
    ['a tokenizer that is a Git LFS pointer', MULTILINGUAL, (path) => writeFileSync(join(path, 'tokenizer.json'), POINTER), /tokenizer\.json is a Git LFS pointer, not the file\. Fetch it with: git lfs pull\.$/],
    ['a tokenizer that is cut short', MULTILINGUAL, (path) => truncateSync(join(path, 'tokenizer.json'), 5000), /tokenizer\.json is not JSON: .*Fetch it anew\.$/],
    ['a config that is a list', MULTILINGUAL, (path) => writeFileSync(join(path, 'config.json'), '[]'), /config\.json holds no JSON object\. Fetch it anew\.$/],
    ['a vocabulary whose numbers are words', MULTILINGUAL, (path) => edit(path, 'tokenizer.json', (value) => (value.model.vocab = { a: 'b' })), /tokenizer\.json holds no table of tokens with their numbers/],
    ['no token to begin with', MULTILINGUAL, (path) => ['config.json', 'generation_config.json'].forEach((file) => edit(path, file, (value) => delete value.decoder_start_token_id)), /generation_config\.json lacks decoder_start_token_id/],
    ['suppressed tokens that are words', MULTILINGUAL, (path) => edit(path, 'generation_config.json', (value) => (value.suppress_tokens = ['a'])), /generation_config\.json: suppress_tokens should be a list of whole numbers and is \["a"\]\.$/],
    ['a language that the model has not', MULTILINGUAL, (path) => edit(path, 'generation_config.json', (value) => (value.language = 'klingon')), /generation_config\.json: the language "klingon" is not in lang_to_id\.$/],
    ['40 mel channels in all', TINY, (path) => writeFileSync(join(path, 'tiny-encoder.onnx'), replaced(readFileSync(join(path, 'tiny-encoder.onnx')), 'n_mels\x12\x0280', 'n_mels\x12\x0240')), /takes 40 mel channels; a Whisper has 80 or 128\.$/],
    ['an encoder without its metadata', TINY, (path) => writeFileSync(join(path, 'tiny-encoder.onnx'), replaced(readFileSync(join(path, 'tiny-encoder.onnx')), 'n_text_layer', 'n_fork_layer')), /tiny-encoder\.onnx lacks n_text_layer in its metadata: export it with scripts\/whisper\/export-onnx\.py/],
    ['no tokens.txt', TINY, (path) => rmSync(join(path, 'tiny-tokens.txt')), /tiny-tokens\.txt is missing, what the tokens stand for/],
    ['a tokens.txt of another kind', TINY, (path) => writeFileSync(join(path, 'tiny-tokens.txt'), '<blk> 0\n▁the 1\n'), /tiny-tokens\.txt: line 1 is not a token in Base64/],
    ['no decoder of sherpa-onnx', TINY, (path) => rmSync(join(path, 'tiny-decoder.onnx')), /\/tiny-decoder\.onnx is missing, the decoder/],
    ['a decoder in the place of the encoder', TINY, (path) => renameSync(join(path, 'tiny-decoder.onnx'), join(path, 'tiny-encoder.onnx')), /tiny-decoder\.onnx is missing|tiny-encoder\.onnx wants an input/],
    ['a model of CTranslate2', MULTILINGUAL, (path) => (rmSync(join(path, 'encoder_model.onnx')), rmSync(join(path, 'decoder_model_merged.onnx')), writeFileSync(join(path, 'model.bin'), '')), /there is no \.onnx file in it, but a model\.bin as of CTranslate2, which/],
  ])('%s is named with its remedy, in one line', async (_, name, spoil, line) => {
    const path = layOut(name, place())
    spoil(path)
    const error = await recognised(path).then(() => null, (thrown: unknown) => thrown as Error)
    expect(error).toBeInstanceOf(WrongCall)
    expect(error!.message).toMatch(line)
    expect(error!.message).not.toContain('\n')
  })

  it('a Whisper that is not whole is not passed over for another model beside it, unless that one is named', async () => {
    const path = layOut(MULTILINGUAL, layOut(TINY, place()))
    rmSync(join(path, 'decoder_model_merged.onnx'))
    await expect(recognised(path)).rejects.toThrow('decoder_model_merged.onnx is missing')
    expect(Object.values((await recognised(join(path, 'tiny-decoder.onnx'))).graphs)).toEqual([join(path, 'tiny-encoder.onnx'), join(path, 'tiny-decoder.onnx')])
  })

  it('whatever stands in the settings, there is one line or a model that ends', async () => {
    const path = layOut(MULTILINGUAL, place())
    let state = 20261121
    const random = (below: number) => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 8) % below
    const values = [null, true, -1, 0, 1e9, 2.5, '', '…', [], [[]], [null], {}, { a: null }, { '<|en|>': -3 }, [[1, 2], [2]], 'x'.repeat(100_000), Number.MAX_SAFE_INTEGER, ['a', 1]]
    const outcomes = { refused: 0, taken: 0 }
    for (let round = 0; round < 300; round++) {
      const file = ['config.json', 'generation_config.json', 'tokenizer.json'][random(3)]!
      const before = readFileSync(join(path, file))
      const bytes = Buffer.from(before)
      if (random(2) === 0) {
        // A value in the place of another.
        const whole = JSON.parse(before.toString())
        const holder = file === 'tokenizer.json' && random(2) === 0 ? whole.model : whole
        const keys = Object.keys(holder)
        holder[keys[random(keys.length)]!] = values[random(values.length)]
        writeFileSync(join(path, file), JSON.stringify(whole))
      } else {
        for (let i = 0; i <= random(4); i++) bytes[random(bytes.length)] = random(256)
        writeFileSync(join(path, file), random(4) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes)
      }
      try {
        await recognised(path)
        outcomes.taken++
      } catch (error) {
        expect(error, `round ${round}, ${file}`).toBeInstanceOf(WrongCall)
        expect((error as Error).message).not.toMatch(/[\n\x00-\x1f]/)
        expect((error as Error).message.length).toBeLessThan(600)
        outcomes.refused++
      } finally {
        writeFileSync(join(path, file), before)
      }
    }
    expect(Math.min(outcomes.refused, outcomes.taken)).toBeGreaterThan(40)
  })
})

/** One piece of bytes for another of the same length. */
function replaced(bytes: Buffer, from: string, to: string): Buffer {
  const at = bytes.indexOf(from, 0, 'latin1')
  expect(at).toBeGreaterThan(0)
  const copy = Buffer.from(bytes)
  copy.write(to, at, 'latin1')
  return copy
}

describe('small things', () => {
  it('what is suppressed at the beginning is so for the first token after the prompt only, the end among it', async () => {
    const given: (readonly number[])[] = []
    // Of seven tokens, 5 is the best, then 6, then 3 and so on: always the same scores.
    const heard = { output: new Float32Array(0), read: () => async (tokens: readonly number[]) => (given.push(tokens), Float32Array.of(0, 1, 2, 3, -1, 5, 4)) }
    const rules = { prompt: [1, 2], languages: [], end: 5, suppressed: [6], most: () => 10 }
    expect(await greedy({ ...rules, suppressedFirst: [5, 3] }, heard, 100)).toEqual([2])
    expect(given).toEqual([[1, 2], [2]])
    expect(await greedy({ ...rules, suppressedFirst: [] }, heard, 100)).toEqual([])
    expect(await greedy({ ...rules, end: 4, suppressedFirst: [5], most: () => 3 }, heard, 100)).toEqual([3, 5, 5])
  })
  it('half precision: every number is itself again, and others go to the nearest', () => {
    for (let half = 0; half < 0x10000; half++) {
      const value = fromHalf(half)
      if (Number.isNaN(value)) expect(fromHalf(toHalf(value))).toBeNaN()
      else expect(toHalf(value)).toBe(half)
    }
    // IEEE 754: 1, the largest, the smallest normal and subnormal, a third.
    expect([0x3c00, 0x7bff, 0x0400, 0x0001, 0x3555].map(fromHalf)).toEqual([1, 65504, 2 ** -14, 2 ** -24, 0.333251953125])
    for (let half = 0; half < 0x7bff; half++) {
      const [low, high] = [fromHalf(half), fromHalf(half + 1)]
      expect(toHalf(low + (high - low) * 0.49)).toBe(half)
      expect(toHalf(low + (high - low) * 0.51)).toBe(half + 1)
      expect(toHalf(-(low + high) / 2)).toBe(0x8000 | (half % 2 === 0 ? half : half + 1))
    }
    expect([65519, 65520, 1e9, -1e9].map((value) => fromHalf(toHalf(value)))).toEqual([65504, Infinity, Infinity, -Infinity])
  })
  it('characters that are split over tokens become whole, a moment parts them, other signs do not', () => {
    const table = ['Ã', '¼', 'Ġb', '<|0.20|>', '<|endoftext|>', '語'].map(entryOf)
    expect(textFrom(table, [0, 1, 2])).toBe('ü b')
    expect(textFrom(table, [0, 4, 1, 99])).toBe('ü')
    expect(textFrom(table, [0, 3, 1])).toBe('\ufffd\ufffd')
    expect(textFrom(table, [5, 2])).toBe('語 b')
  })
})
