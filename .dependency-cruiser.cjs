/** The import graph: routes → use-cases → services; plugins → services; stacks are strangers to each other. */
const only = (name, comment, path, to) => ({ name, comment, severity: 'error', from: { pathNot: path }, to: { path: to, dependencyTypesNot: ['type-only'] } })

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    { name: 'services-stand-alone', severity: 'error', from: { path: '^services/' }, to: { path: '^(routes|use-cases|plugins)/|^(app|server)\\.ts$' } },
    { name: 'use-cases-know-no-http', severity: 'error', from: { path: '^use-cases/' }, to: { path: '^(routes|plugins)/|^(app|server)\\.ts$|^node_modules/(@?fastify)' } },
    { name: 'routes-through-use-cases', comment: 'A route may import types and schemas of services, never their code', severity: 'error', from: { path: '^routes/' }, to: { path: '^services/', pathNot: '^services/(core|errors)\\.ts$|/schema\\.ts$|/types\\.ts$|/events\\.ts$', dependencyTypesNot: ['type-only'] } },
    { name: 'plugins-on-services', severity: 'error', from: { path: '^plugins/' }, to: { path: '^(routes|use-cases)/' } },
    { name: 'stacks-are-strangers-routes', severity: 'error', from: { path: '^routes/([^/]+)/' }, to: { path: '^routes/([^/]+)/', pathNot: '^routes/$1/' } },
    { name: 'stacks-are-strangers-use-cases', severity: 'error', from: { path: '^use-cases/([^/]+)/' }, to: { path: '^use-cases/([^/]+)/', pathNot: '^use-cases/$1/' } },
    only('sharp-only-in-images', 'One place decodes pixels', '^services/images/', '^node_modules/sharp'),
    only('undici-only-in-network', 'One door out', '^services/network/', '^node_modules/undici'),
    only('sqlite-only-in-database', 'One place opens databases', '^services/database/', '^node_modules/better-sqlite3')
  ],
  options: { tsPreCompilationDeps: true, doNotFollow: { path: 'node_modules' }, exclude: { path: '^(test|bench|dist)/' }, tsConfig: { fileName: 'tsconfig.json' }, enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node'] } }
}
