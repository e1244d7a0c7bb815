// A speech service in small: opens a session on the GPU with the real onnxruntime-node, prints what became of it, and stays.
const ort = require('onnxruntime-node')
const wait = setInterval(() => {}, 1 << 30)
ort.InferenceSession.create(process.argv[2], { executionProviders: ['cuda'] }).then(
  () => console.log('SESSION'),
  (error) => console.log('THROWN ' + error.message),
).then(() => { if (process.argv.includes('--once')) clearInterval(wait) })
