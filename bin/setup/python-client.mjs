import { join } from 'node:path'
import { hasApt, installDebian } from './debian.mjs'
import { findProgram, rootPrefix, run } from './run.mjs'

const version = '3.54.0'

/** A Python that has OpenAI's own client: the tests call the gateway with it, as users of that language do. */
export const pythonClient = {
  name: 'OpenAI client for Python',
  variable: 'PYTHON_OPENAI',
  cachedAs: `python-openai/${version}`,
  program: 'bin/python',
  // Whichever Python is on PATH, its packages are its owner's: only the environment made here will do.
  find: () => undefined,
  ways: [
    {
      says: 'installing it with pip in an environment of its own, about 20 s',
      possible: () => findProgram('python3') !== undefined,
      get: install,
    },
    {
      says: 'the Debian packages of Python first, about a minute',
      possible: () => hasApt() && rootPrefix() !== undefined,
      async get(folder) {
        await installDebian('python3', 'python3-venv')
        await install(folder)
      },
    },
  ],
  help: process.platform === 'darwin' ? 'brew install python' : 'sudo apt-get install -y python3 python3-venv',
}

async function install(folder) {
  await run('python3', ['-m', 'venv', folder])
  await run(join(folder, 'bin/python'), [
    '-m',
    'pip',
    'install',
    '-q',
    '--disable-pip-version-check',
    `openai==${version}`,
  ])
}
