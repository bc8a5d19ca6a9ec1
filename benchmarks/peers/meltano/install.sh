# What the extractor, the loader and dbt need, each in an environment of its own, as Meltano has it.
set -e
mkdir -p "$1/project"
cp "$(dirname "$0")/meltano.yml" "$1/project"
cd "$1/project"
meltano install
