import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hasApt, installDebian } from './debian.mjs'
import { findProgram, rootPrefix, run } from './run.mjs'
import { downloadAsSdk } from './sdk-download.mjs'

const version = '1.38.0'
const copyDependencies = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'

/** Temporal's test server, whose clock jumps to the next timer. The native build only exists as a download; Java runs everywhere. */
export const timeSkipping = {
  name: 'Temporal time-skipping test server',
  variable: 'TEMPORAL_TEST_SERVER',
  cachedAs: `temporal-test-server/${version}`,
  program: 'temporal-test-server',
  find: () => findProgram('temporal-test-server'),
  ways: [
    {
      says: 'downloading it as the Temporal SDK does, about 20 s',
      possible: () => true,
      get: (folder) => downloadAsSdk({ artifact: 'temporal-test-server', program: 'temporal-test-server', folder }),
    },
    {
      says: 'fetching the Java build with mvn, about a minute',
      possible: () => hasJava() || (hasApt() && rootPrefix() !== undefined),
      async get(folder) {
        if (!hasJava()) await installDebian('default-jre-headless', 'maven')
        writeFileSync(join(folder, 'pom.xml'), pom)
        await run('mvn', ['-q', '-B', copyDependencies, '-DoutputDirectory=lib', '-DincludeScope=runtime'], {
          cwd: folder,
        })
        const start = join(folder, 'temporal-test-server')
        writeFileSync(
          start,
          `#!/bin/sh\nexec java -cp "$(dirname "$0")/lib/*" io.temporal.testserver.TestServer "$@"\n`,
        )
        chmodSync(start, 0o755)
      },
    },
  ],
  help:
    process.platform === 'darwin'
      ? 'brew install openjdk maven'
      : 'sudo apt-get install -y --no-install-recommends default-jre-headless maven',
}

function hasJava() {
  return findProgram('java') !== undefined && findProgram('mvn') !== undefined
}

const pom = `<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>tollgate</groupId>
  <artifactId>time-skipping</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>io.temporal</groupId>
      <artifactId>temporal-test-server</artifactId>
      <version>${version}</version>
    </dependency>
    <!-- Without a logger it complains at every start. -->
    <dependency>
      <groupId>org.slf4j</groupId>
      <artifactId>slf4j-nop</artifactId>
      <version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
`
