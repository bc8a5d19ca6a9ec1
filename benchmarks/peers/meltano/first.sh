mkdir .meltano
for kind in extractors loaders utilities; do ln -s "$BENCH_ENVIRONMENT/project/.meltano/$kind" .meltano/; done
