// whisper-cpp.cjs INDEX.node MODEL: loads a model with whisper.cpp's native log switched on.
const { WhisperContext } = require(process.argv[2])
WhisperContext.toggleNativeLog(true, (_, text) => process.stderr.write(text))
const context = new WhisperContext({ filePath: process.argv[3], useGpu: true })
Promise.resolve(context.release?.()).catch((error) => console.error(error.message))
// The log comes from another thread.
setTimeout(() => process.exit(0), 3000)
