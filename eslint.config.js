import neostandard from 'neostandard'

export default [
  { ignores: ['dist/', 'dist-*/', 'node_modules/', 'coverage/', '.tap/', 'web/dist/'] },
  ...neostandard({ ts: true }),
  {
    files: ['**/*.ts'],
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      'no-restricted-syntax': ['error', { selector: 'CatchClause > BlockStatement[body.length=0]', message: 'A silent catch hides a fault: handle it or say why in a comment with a statement.' }]
    }
  }
]
