import { cpSync, copyFileSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildGraph } from '../../src/bench/onnx/graph.ts'
import { recognised } from '../../src/bench/recogniser/recognise.ts'
import { WrongCall } from '../../src/wrong-call.ts'
import { SPEECH, unpackModels } from './speech-models.ts'
import { buildTool, checked, type Tool } from './tool.ts'
import { data, fmt, riff } from './wav-file.ts'

let models: ReturnType<typeof unpackModels>
let tool: Tool
beforeAll(async () => {
  models = unpackModels()
  tool = await buildTool()
}, 120_000)
afterAll(() => {
  models.remove()
  tool.remove()
})

const LFS = 'version https://git-lfs.github.com/spec/v1\noid sha256:0000000000000000000000000000000000000000000000000000000000000000\nsize 1048576\n'
/** A joiner of another model: vectors of 32 where the others have 24. */
function otherJoiner(): Uint8Array {
  const g = buildGraph('joiner')
  const sum = g.op('Add', [g.input('encoder_out', 'float', ['N', 32]), g.input('decoder_out', 'float', ['N', 32])])
  g.output('logit', sum, 'float', ['N', 32])
  return g.build()
}
const lines = (file: string) => readFileSync(file, 'utf8').trimEnd().split('\n')

type Damage = (folder: string, part: (start: string) => string) => void
const CASES: readonly (readonly [what: string, model: string, damage: Damage, message: RegExp])[] = [
  ['no joiner', 'zipformer', (_, part) => rmSync(part('joiner')), /joiner-epoch-1-avg-1\.onnx is missing, the joiner: fetch it/],
  ['no decoder', 'zipformer', (_, part) => rmSync(part('decoder')), /decoder-epoch-1-avg-1\.onnx is missing, the decoder: fetch it/],
  ['no encoder', 'zipformer-streaming', (_, part) => rmSync(part('encoder')), /encoder-epoch-1-avg-1-chunk-16-left-64\.onnx is missing, the encoder: fetch it/],
  ['no joiner of NeMo', 'nemo-tdt', (_, part) => rmSync(part('joiner')), /joiner\.onnx is missing, the joiner: fetch it/],
  ['no encoder of onnx-asr', 'onnx-asr-tdt', (_, part) => rmSync(part('encoder')), /encoder-model\.onnx is missing, the encoder: fetch it/],
  ['a joiner cut short', 'zipformer', (_, part) => truncateSync(part('joiner'), 3000), /joiner-epoch-1-avg-1\.onnx is no whole ONNX model: .* Its download broke off: fetch it anew\./],
  ['an encoder cut short', 'nemo-rnnt', (_, part) => truncateSync(part('encoder'), 100_000), /encoder\.onnx is no whole ONNX model: .*fetch it anew/i],
  ['a pointer for a joiner', 'zipformer', (_, part) => writeFileSync(part('joiner'), LFS), /joiner-epoch-1-avg-1\.onnx is no whole ONNX model: it is a Git LFS pointer, not the model\. Fetch it with: git lfs pull\./],
  ['a pointer for CTC', 'zipformer-ctc', (_, part) => writeFileSync(part('model'), LFS), /model\.onnx is no whole ONNX model: it is a Git LFS pointer/],
  ['a joiner of another model', 'zipformer', (_, part) => writeFileSync(part('joiner'), otherJoiner()), /encoder-epoch-1-avg-1\.onnx gives vectors of 24 and .*joiner-epoch-1-avg-1\.onnx takes 32: they belong to different models\./],
  ['no tokens.txt', 'zipformer', (folder) => rmSync(join(folder, 'tokens.txt')), /tokens\.txt is missing, what the tokens stand for: fetch it/],
  ['tokens.txt that is too short', 'zipformer', (folder) => writeFileSync(join(folder, 'tokens.txt'), lines(join(folder, 'tokens.txt')).slice(0, 40).join('\n')), /tokens\.txt has 40 tokens and none with the number 40, while .*decoder-epoch-1-avg-1\.onnx chooses among 63: it belongs to another model\./],
  ['tokens.txt of no tokens', 'zipformer', (folder) => writeFileSync(join(folder, 'tokens.txt'), '<html>\n<body>Not found</body>\n'), /tokens\.txt: line 1 is not a token and its number\. Fetch it anew\./],
  ['an empty tokens.txt', 'zipformer', (folder) => writeFileSync(join(folder, 'tokens.txt'), '\n'), /tokens\.txt holds no tokens/],
  ['a pointer for tokens.txt', 'nemo-ctc', (folder) => writeFileSync(join(folder, 'tokens.txt'), LFS), /tokens\.txt is a Git LFS pointer, not the file/],
  ['tokens.txt of another NeMo', 'nemo-rnnt', (folder) => writeFileSync(join(folder, 'tokens.txt'), [...lines(join(folder, 'tokens.txt')), 'more 62'].join('\n')), /tokens\.txt has 63 tokens, and .*encoder\.onnx chooses among 61 and the blank, <blk>, as the last/],
  ['vocab.txt without a blank', 'onnx-asr-rnnt', (folder) => writeFileSync(join(folder, 'vocab.txt'), lines(join(folder, 'vocab.txt')).slice(0, -1).join('\n')), /vocab\.txt has no blank, <blk>/],
  ['vocab.txt of another model', 'onnx-asr-ctc', (folder) => writeFileSync(join(folder, 'vocab.txt'), '<blk> 0\na 1\n'), /vocab\.txt has 2 tokens and none with the number 2, while .*model\.onnx chooses among 62/],
  ['neither tokens.txt nor vocab.txt', 'onnx-asr-ctc', (folder) => rmSync(join(folder, 'vocab.txt')), /tokens\.txt is missing, what the tokens stand for \(onnx-asr calls it vocab\.txt\)/],
  ['no metadata', 'onnx-asr-ctc', (folder) => (renameSync(join(folder, 'vocab.txt'), join(folder, 'tokens.txt')), rmSync(join(folder, 'model.onnx'))), /model\.int8\.onnx lacks vocab_size in its metadata: it was not exported for sherpa-onnx\./],
  ['config.json of another model', 'onnx-asr-rnnt', (folder) => writeFileSync(join(folder, 'config.json'), '{"model_type":"nemo-conformer-rnnt","features_size":128}'), /config\.json says features_size 128, and .*encoder-model\.onnx takes 80/],
  ['config.json with a word for a number', 'onnx-asr-rnnt', (folder) => writeFileSync(join(folder, 'config.json'), '{"features_size":"many"}'), /config\.json: features_size should be a whole number and is "many"\./],
  ['two models in one folder', 'zipformer', (folder, part) => copyFileSync(part('encoder'), join(folder, 'encoder-epoch-2-avg-1.onnx')), /holds several models \(epoch-1-avg-1, epoch-2-avg-1\): name one of its files with --model FILE\./],
]

describe('a transducer through the command', () => {
  it('says which files ran, in what pieces they heard, and what', () => {
    const audio = join(models.folder, 'speech.wav')
    const reference = join(models.folder, 'speech.txt')
    writeFileSync(audio, riff(fmt(), data(Buffer.from(Int16Array.from(SPEECH.subarray(0, 25 * 16_000), (value) => value * 32767).buffer))))
    writeFileSync(reference, 'words that are no syllables')
    const call = ['--model', join(models.folder, 'zipformer'), '--audio', audio, '--reference', reference, '--runs', '1']
    const { code, stdout, stderr } = tool.run([...call, '--json'])
    expect(code, stderr).toBe(0)
    const result = checked(stdout)
    expect(result).toMatchObject({
      target: { kind: 'model', pieceSeconds: 20, files: ['encoder', 'decoder', 'joiner'].map((part) => `${part}-epoch-1-avg-1.onnx`) }, provider: { used: 'cpu' }, text: { empty: false, wer: expect.any(Number) },
    })
    expect(result.text.wer).toBeGreaterThan(0.9)
    expect(result.text.heard).toMatch(/^[a-z ]+$|<(unk|sos\/eos)>/)
    expect(Object.keys(result.phases)).toEqual(['audio', 'features', 'encoder', 'decoder'])
    const judged = tool.run([...call, '--max-wer', '25%'])
    expect(judged.stdout).toContain('Pieces     heard in 2 pieces of up to 20 s, one after another')
    expect(judged.code).toBe(1)
  }, 300_000)
})

describe('a transducer or CTC that is not whole is refused in one line that names the file', () => {
  it.each(CASES)('%s', async (what, model, damage, message) => {
    const folder = join(models.folder, `${model} ${what.replaceAll(/\W/g, '-')}`)
    cpSync(join(models.folder, model), folder, { recursive: true })
    await recognised(folder)
    damage(folder, (start) => join(folder, readdirSync(folder).filter((name) => name.startsWith(start) && name.endsWith('.onnx')).sort()[0]!))
    const error: unknown = await recognised(folder).then(() => null, (thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(WrongCall)
    expect((error as Error).message).toMatch(message)
    expect((error as Error).message).not.toContain('\n')
  })

  it('by the command it is a wrong call, and nothing is started', () => {
    const folder = join(models.folder, 'nemo-tdt')
    const joiner = readFileSync(join(folder, 'joiner.onnx'))
    rmSync(join(folder, 'joiner.onnx'))
    const { code, stdout, stderr } = tool.run(['--model', folder])
    writeFileSync(join(folder, 'joiner.onnx'), joiner)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^[^\n]*joiner\.onnx is missing, the joiner: fetch it from where the rest of the model came from\.\n$/)
  })

  it('of two models in one folder the one that is named is heard', async () => {
    const folder = join(models.folder, 'two')
    cpSync(join(models.folder, 'zipformer'), folder, { recursive: true })
    for (const file of readdirSync(folder)) if (file.endsWith('.onnx')) copyFileSync(join(folder, file), join(folder, file.replace('epoch-1', 'epoch-2')))
    const { graphs } = await recognised(join(folder, 'joiner-epoch-2-avg-1.onnx'))
    expect(Object.values(graphs)).toEqual(['encoder', 'decoder', 'joiner'].map((part) => join(folder, `${part}-epoch-2-avg-1.onnx`)))
  })

  it('of a model in two precisions the plain one is heard, or the one that is named', async () => {
    const folder = join(models.folder, 'onnx-asr-ctc')
    expect((await recognised(folder)).graphs).toEqual({ model: join(folder, 'model.onnx') })
    expect((await recognised(join(folder, 'model.int8.onnx'))).graphs).toEqual({ model: join(folder, 'model.int8.onnx') })
  })
})
