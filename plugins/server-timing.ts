import fp from 'fastify-plugin'

/** With two decimals, from whole numbers: `toFixed` takes longer than many a handler. */
function hundredths (milliseconds: number): string {
  const all = Math.round(milliseconds * 100)
  const rest = all % 100
  return `${(all - rest) / 100}.${rest < 10 ? '0' : ''}${rest}`
}

/** Tells every client how many milliseconds the answer took inside the process, so that network and work can be told apart. */
export default fp(async function serverTiming (app) {
  app.addHook('onSend', (_request, reply, payload, done) => {
    reply.header('server-timing', `app;dur=${hundredths(reply.elapsedTime)}`)
    done(null, payload)
  })
}, { name: 'server-timing' })
