import { defineCheck, type Finding } from '../../src/index.ts'
import { modelFiles } from '../../src/facts/model-files.ts'

const PROBLEMS: Readonly<Record<string, string>> = {
  empty: 'is empty',
  'lfs-pointer': 'is a Git LFS pointer, a few lines of text in place of the model',
  truncated: 'is cut short',
  malformed: 'is damaged',
}

/** What is no fault of a file that merely lies there, and is worth saying of one that was named to be examined. */
const GIVEN: Readonly<Record<string, string>> = {
  'unknown-format': 'is no model of a kind that is known here (ONNX, GGUF, whisper.cpp, CTranslate2)',
  excessive: 'is nested deeper, or made of more parts, than any model',
}

export default defineCheck({
  id: 'ep/model-file-broken',
  title: 'A model file is no whole model',
  docs: {
    what: 'Reads the frame of each model file that the target names or holds open, without its weights.',
    why: 'A repository cloned without Git LFS holds pointers in place of models, and a download that was broken off leaves a beginning. Engines then say `Protobuf parsing failed`, or fall back to another model in silence.',
    remedy: 'Fetch the file again: `git lfs pull`, or the download from its beginning.',
    links: ['https://git-lfs.com', 'https://onnx.ai/onnx/repo-docs/IR.html'],
  },
  fixes: 'always',
  needs: { modelFiles },
  run: ({ modelFiles: models }) => {
    if (models.length === 0) return { status: 'not-applicable', because: 'No model file is known of it.' }
    const broken = models.flatMap((use): readonly Finding[] => {
      if (!use.file.known || use.file.value.format !== 'broken') return []
      const { problem, detail, sizeBytes } = use.file.value
      if (use.how === 'given' && GIVEN[problem] !== undefined) {
        return [{ severity: 'warning', confidence: 'certain', cause: `${use.path} ${GIVEN[problem]}, so nothing is said of how it runs.`, evidence: [{ source: use.asked, saw: `${sizeBytes} bytes: ${detail}` }], fixes: [{ title: 'Name the file that the engine loads', safety: 'manual', edits: [], then: ['asr-doctor check --model FILE'] }] }]
      }
      // A file of another kind under the name of a model is not ours to judge, and one in a folder may be anything.
      if (PROBLEMS[problem] === undefined || (use.how === 'folder' && problem === 'malformed')) return []
      return [
        {
          severity: use.how === 'folder' ? 'warning' : 'error',
          confidence: 'certain',
          cause: `${use.path} ${PROBLEMS[problem]!}.`,
          evidence: [{ source: use.asked, saw: `${sizeBytes} bytes: ${detail}` }],
          fixes: [{ title: 'Fetch the model again', safety: 'manual', edits: [], then: [problem === 'lfs-pointer' ? 'git lfs pull' : 'Download it again and compare its size or checksum with the source.'] }],
        },
      ]
    })
    if (broken.length > 0) return broken
    const blind = models.find(({ file }) => !file.known)
    return blind === undefined || blind.file.known ? [] : { status: 'unknown', because: blind.file.because, how: blind.file.how }
  },
})
