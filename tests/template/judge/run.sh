#!/usr/bin/env bash
# Put the cases of tests/template before Event Ruler, the library that EventBridge itself matches with.
# Needs Java 17 or newer and Maven, which fetches the library; nothing else in this project does.
set -euo pipefail
cd "$(dirname "$0")/../../.."
python=$1
for tool in java mvn; do
  command -v "$tool" >/dev/null || { echo "judge-patterns needs Java and Maven: there is no $tool on PATH." >&2; exit 1; }
done

mkdir -p build/judge
mvn --quiet --file tests/template/judge/pom.xml dependency:copy-dependencies -DoutputDirectory="$PWD/build/judge/jars"
"$python" -m tests.template.judge.cases > build/judge/cases.json
java -cp 'build/judge/jars/*' tests/template/judge/Judge.java build/judge/cases.json
