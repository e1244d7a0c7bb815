// A service that waits for work and has loaded nothing yet.
console.log('READY')
setInterval(() => {}, 1 << 30)
