import { basename } from '../../src/paths.ts'
import { defineCheck, type Finding } from '../../src/index.ts'
import { context } from '../../src/facts/context.ts'
import { modelFiles } from '../../src/facts/model-files.ts'
import { program } from '../../src/facts/program.ts'

const WHISPER_CPP = /^whisper-(cli|server|stream|command|bench|quantize)$/
const KINDS: Readonly<Record<string, string>> = { gguf: 'a GGUF file, the format of llama.cpp', onnx: 'an ONNX model', ctranslate2: 'a model of CTranslate2 (faster-whisper)' }

export default defineCheck({
  id: 'ep/model-format-foreign',
  title: 'whisper.cpp is given a model of another engine',
  docs: {
    what: 'Reads the first bytes of the model that is named on the command line of a program of whisper.cpp.',
    why: 'whisper.cpp loads files that begin with the magic number of ggml and no other: with a GGUF, ONNX or CTranslate2 file it ends with `invalid model data (bad magic)`. Models of all of these are called whisper.',
    remedy: 'Fetch the model in the format of whisper.cpp, ggml-NAME.bin.',
    links: ['https://github.com/ggml-org/whisper.cpp/tree/master/models'],
  },
  fixes: 'always',
  needs: { program, context, modelFiles },
  run: ({ context, modelFiles: models }) => {
    const name = basename(context.exe ?? context.argv[0] ?? '')
    if (!WHISPER_CPP.test(name)) return { status: 'not-applicable', because: 'No program of whisper.cpp is seen in it.' }
    const named = models.filter(({ how, path }) => how === 'named' && context.argv.some((word, at, all) => /^(-m|--model)$/.test(all[at - 1] ?? '') && path.endsWith(word.replace(/^\.\//, ''))))
    if (named.length === 0) return { status: 'not-applicable', because: 'Its command line names no model.' }
    return named.flatMap(({ path, file, asked, foundBy }): readonly Finding[] => {
      const kind = file.known ? KINDS[file.value.format] : undefined
      if (kind === undefined) return []
      return [
        {
          severity: 'error',
          confidence: 'certain',
          cause: `${name} is told to load ${path}, which is ${kind}, and loads none but those of ggml.`,
          evidence: [{ source: asked, saw: kind }, { source: foundBy, saw: path }],
          fixes: [{ title: 'Name a model of whisper.cpp', safety: 'manual', edits: [], then: ['Fetch it with models/download-ggml-model.sh of whisper.cpp.', 'Restart the service.'] }],
        },
      ]
    })
  },
})
