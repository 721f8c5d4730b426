import fp from 'fastify-plugin'

/** Tells every client how many milliseconds the answer took inside the process, so that network and work can be told apart. */
export default fp(async function serverTiming (app) {
  app.addHook('onSend', (_request, reply, payload, done) => {
    reply.header('server-timing', `app;dur=${reply.elapsedTime.toFixed(2)}`)
    done(null, payload)
  })
}, { name: 'server-timing' })
